package jwks_test

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
)

// Nesting that exhausts a reader by recursion ends as an error or as one skipped entry.
func TestDeepDocuments(t *testing.T) {
	const levels = 200_000
	deep := strings.Repeat("[", levels) + strings.Repeat("]", levels)
	good := string(encode(t, entry(testKeys().ed, object{"kid": "good"})))
	for name, doc := range map[string]string{
		"beside the list": `{"x":` + deep + `,"keys":[` + good + `]}`,
		"an entry":        `{"keys":[` + deep + `,` + good + `]}`,
		"in an entry":     `{"keys":[{"kty":"OKP","x":` + deep + `},` + good + `]}`,
		"objects":         `{"keys":[` + strings.Repeat(`{"a":`, 80_000) + "1" + strings.Repeat("}", 80_000) + `,` + good + `]}`,
	} {
		set, _, err := jwks.Parse([]byte(doc))
		if err == nil && (set.Len() != 1 || !set.Has("good")) {
			t.Errorf("%s: read as %v", name, set.KeyIDs())
		}
	}
}

// RFC 7638 §3.3 and RFC 7518 §2: whatever form the numbers were published in, the thumbprint
// is that of the key.
func TestThumbprintsAreOfTheKey(t *testing.T) {
	k := testKeys()
	parse := func(changes object) string {
		key, err := jwks.ParseKey(encode(t, entry(k.rsa, changes)))
		if err != nil {
			t.Fatal(err)
		}
		return key.Thumbprint()
	}
	n, err := base64.RawURLEncoding.DecodeString(k.rsa["n"].(string))
	if err != nil {
		t.Fatal(err)
	}
	want := parse(nil)
	for name, changes := range map[string]object{
		"padded exponent": {"e": "AAEAAQ"}, "padded modulus": {"n": base64.RawURLEncoding.EncodeToString(append([]byte{0}, n...))},
		"other members": {"alg": "PS256", "use": "sig", "kid": "other", "x5t": "x"},
	} {
		if got := parse(changes); got != want {
			t.Errorf("%s: thumbprint %s, want %s", name, got, want)
		}
	}
}

// RFC 8037 §2 and RFC 7518 §6.2.1.2: points have one length.
func TestPointsHaveOneLength(t *testing.T) {
	k := testKeys()
	for name, base := range map[string]object{"Ed25519": k.ed, "P-256": k.ec} {
		x, err := base64.RawURLEncoding.DecodeString(base["x"].(string))
		if err != nil {
			t.Fatal(err)
		}
		for _, changed := range [][]byte{x[1:], x[:len(x)-1], append([]byte{0}, x...), append(slices.Clip(x), 0), {}} {
			if _, err := jwks.ParseKey(encode(t, entry(base, object{"x": base64.RawURLEncoding.EncodeToString(changed)}))); err == nil {
				t.Errorf("%s with %d bytes was accepted", name, len(changed))
			}
		}
	}
}

// An issuer that is slow in any phase costs one deadline.
func TestSlowIssuersAreGivenUp(t *testing.T) {
	trickle := serve(t, func(w http.ResponseWriter, r *http.Request) {
		flusher, ok := w.(http.Flusher)
		if !ok {
			t.Error("the answer cannot be flushed")
			return
		}
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			flusher.Flush()
			time.Sleep(time.Millisecond)
		}
	})
	var lc net.ListenConfig
	silent, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, address := range map[string]string{
		"body in drops": trickle, "no header": "http://" + silent.Addr().String(), "no handshake": "https://" + silent.Addr().String(),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := fetcher(t, jwks.Endpoint{Issuer: address, Configured: true}).Fetch(ctx, jwks.Request{URL: address})
		cancel()
		wantFetchCode(t, name, err, jwks.TimedOut)
	}
}
