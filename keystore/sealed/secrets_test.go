package sealed_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/keystore/sealed"
)

func TestSecretsThatAreNoneAreErrors(t *testing.T) {
	good := func(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i + 1)}, 16) }
	for what, c := range map[string]struct {
		primary  []byte
		previous [][]byte
		says     string
	}{
		"nil":                       {nil, nil, "the primary secret has 0 bytes"},
		"empty":                     {[]byte{}, nil, "the primary secret has 0 bytes"},
		"31 bytes":                  {good(1)[1:], nil, "the primary secret has 31 bytes"},
		"one byte repeated":         {make([]byte, 64), nil, "the primary secret is one byte repeated"},
		"previous nil":              {good(1), [][]byte{nil}, "previous secret 1 has 0 bytes"},
		"second previous too short": {good(1), [][]byte{good(2), good(3)[1:]}, "previous secret 2 has 31 bytes"},
		"previous repeated":         {good(1), [][]byte{bytes.Repeat([]byte("x"), 32)}, "previous secret 1 is one byte repeated"},
		"previous is primary":       {good(1), [][]byte{good(1)}, "previous secret 1 is given twice"},
		"previous given twice":      {good(1), [][]byte{good(2), good(2)}, "previous secret 2 is given twice"},
		"too many":                  {good(1), [][]byte{good(2), good(3), good(4), good(5)}, "4 previous secrets: at most 3"},
	} {
		s, err := sealed.NewSecrets(c.primary, c.previous...)
		if s != nil || err == nil || !strings.HasPrefix(err.Error(), "sealed: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v; want an error that says %q", what, s, err, c.says)
		}
	}
	if _, err := sealed.NewSecrets(good(1), good(2), good(3), good(4)); err != nil {
		t.Errorf("four secrets: %v", err)
	}
}

func TestSecretsHaveIDsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for i := range 200 {
		s := newSecrets(t, fmt.Sprint(i))
		if seen[s.String()] || s.String() != newSecrets(t, fmt.Sprint(i)).String() {
			t.Fatalf("secret %d has the id of another, or not always its own: %v", i, s)
		}
		seen[s.String()] = true
	}
}

func TestTheCallersBytesAreNotKept(t *testing.T) {
	raw := phrase("first")
	s, err := sealed.NewSecrets(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	envelope, err := sealed.Seal(s, namespace, theID, record())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.Open(newSecrets(t, "first"), namespace, theID, envelope); err != nil {
		t.Errorf("after the caller cleared its bytes: %v", err)
	}
}

// Printing shows the ids, which are public, and nothing that anybody could seal with.
func TestSecretsPrintWithoutTheirContent(t *testing.T) {
	s := newSecrets(t, "first", "second")
	store := newStoreWith(t, newBackend(), s)
	type config struct {
		Secrets *sealed.Secrets
		Value   sealed.Secrets
		hidden  *sealed.Secrets
		within  sealed.Secrets
	}
	values := map[string]any{
		"pointer": s, "value": *s, "struct": config{s, *s, s, *s}, "pointer to struct": &config{s, *s, s, *s},
		"slice": []sealed.Secrets{*s}, "map": map[string]*sealed.Secrets{"k": s}, "store": store,
	}
	var out bytes.Buffer
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t"} {
			fmt.Fprintf(&out, name+" "+verb+"\n", v)
		}
		encoded, err := json.Marshal(v)
		fmt.Fprintln(&out, name, string(encoded), err)
		slog.New(slog.NewTextHandler(&out, nil)).Info(name, "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info(name, "v", v)
	}
	text := strings.ToLower(out.String())
	for _, name := range []string{"first", "second"} {
		for _, content := range [][]byte{phrase(name), sealed.Key(newSecrets(t, name))} {
			for _, form := range []string{
				string(content), hex.EncodeToString(content), base64.StdEncoding.EncodeToString(content),
				strings.Trim(fmt.Sprintf("%d", content), "[]"), strings.Trim(fmt.Sprintf("%#v", content), "[]byte{}"), fmt.Sprintf("% x", content),
				strings.Trim(fmt.Sprintf("%q", content), `"`),
			} {
				if strings.Contains(text, strings.ToLower(form)) {
					t.Errorf("the %s secret is printed as %s", name, form)
				}
			}
		}
		if id := strings.Trim(strings.TrimPrefix(newSecrets(t, name).String(), "sealed.Secrets("), ")"); !strings.Contains(text, id) {
			t.Errorf("the id %q is not printed", id)
		}
	}
	if got := fmt.Sprintf("%v %#v %x", s, s, *s); strings.Count(got, "sealed.Secrets(") != 3 {
		t.Errorf("secrets print as %q", got)
	}
	for _, v := range []any{s, *s} {
		if got, err := json.Marshal(v); err != nil || string(got) != `"`+s.String()+`"` {
			t.Errorf("secrets are %s in JSON, %v", got, err)
		}
	}
	if got := fmt.Sprintf("%v", (*sealed.Secrets)(nil)); got != "<nil>" {
		t.Errorf("nil prints as %q", got)
	}
}
