package guard_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// FuzzAuthorization checks that only one good token passes, and that the answer to
// anything else depends on its reason alone: not a byte of the header comes back.
func FuzzAuthorization(f *testing.F) {
	g, issuer := newGuard(f)
	good := mint(f, issuer, nil)
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "Bearer " + good, "bearer  " + good, "Bearer\t" + good, "Bearer a b", "Bearer a,b",
		"Bearer null", "Bearer [object Object]", "Basic eDp5", "Bearer " + good + ", Bearer " + good, "Bearer \x00", "é",
	} {
		f.Add(seed)
	}
	type answer struct {
		header http.Header
		body   string
	}
	answers := map[verifier.Reason]answer{}
	for r := range verifier.Reasons() {
		d := g.Check(f.Context(), authorized("Bearer "+good), failing(&verifier.Error{Reason: r}))
		answers[r] = answer{d.Header(), string(d.Body())}
	}
	f.Fuzz(func(t *testing.T, value string) {
		d := g.Check(t.Context(), authorized(value))
		if d.Allowed() {
			scheme, rest, _ := strings.Cut(value, " ")
			if !strings.EqualFold(scheme, "Bearer") || strings.TrimLeft(rest, " ") != good || d.Token() == nil {
				t.Fatalf("allowed: %q", value)
			}
			return
		}
		want := answers[reasonOf(t, d)]
		if got := d.Header(); !maps.EqualFunc(got, want.header, slices.Equal) || string(d.Body()) != want.body {
			t.Errorf("header %q, body %s\nwant   %q, body %s", got, d.Body(), want.header, want.body)
		}
		if second := g.Check(t.Context(), authorized(value, value)); reasonOf(t, second) != verifier.ReasonMultipleCredentials {
			t.Errorf("twice the same: %q", reasonOf(t, second))
		}
	})
}

// wellFormed is a challenge with at least one parameter, each value of the characters of
// RFC 6750 §3 and nothing between or behind them.
var wellFormed = regexp.MustCompile(`^Bearer( [a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*")(, [a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*")*$`)

var parameter = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// FuzzRefusal checks challenge and problem document of whatever a program's own
// requirement returns.
func FuzzRefusal(f *testing.F) {
	g, issuer := newGuard(f)
	request := authorized("Bearer " + mint(f, issuer, nil))
	for r := range verifier.Reasons() {
		f.Add(string(r), "read:books", "gold", int64(time.Minute), int64(time.Second))
	}
	f.Add("made up", "a\"\r\nX: y", "é\\", int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, reason, scope, acr string, maxAge, retryAfter int64) {
		refusal := &verifier.Error{
			Reason: verifier.Reason(reason), Scopes: []string{scope, scope}, ACRValues: []string{acr, "gold"},
			MaxAge: time.Duration(maxAge), RetryAfter: time.Duration(retryAfter),
		}
		d := g.Check(t.Context(), request, verifier.NewRequirement(verifier.RequirementSpec{
			Name: "own", Scopes: []string{scope},
			Check: func(context.Context, *verifier.Token) error { return refusal },
		}))
		if d.Allowed() || d.Status() < 400 || d.Code() == 0 {
			t.Fatalf("status %d, code %d", d.Status(), d.Code())
		}
		h := d.Header()
		if values := h.Values("WWW-Authenticate"); len(values) > 1 || (len(values) == 1) != (d.Status() < 500) {
			t.Errorf("status %d with challenges %q", d.Status(), values)
		}
		if c := h.Get("WWW-Authenticate"); c != "" {
			checkChallenge(t, c, scope, acr)
		}
		if v := h.Get("Retry-After"); (v != "") != (d.Status() == 503) || strings.Trim(v, "0123456789") != "" || v == "0" {
			t.Errorf("status %d with Retry-After %q", d.Status(), v)
		}
		var body map[string]any
		if err := json.Unmarshal(d.Body(), &body); err != nil {
			t.Fatal(err)
		}
		known := slices.Collect(verifier.Reasons())
		if got, ok := body["reason"].(string); ok && !slices.Contains(known, verifier.Reason(got)) {
			t.Errorf("reason %q is not of the closed set", got)
		}
	})
}

func checkChallenge(t *testing.T, c, scope, acr string) {
	t.Helper()
	if !wellFormed.MatchString(c) {
		t.Fatalf("challenge %q is not well-formed", c)
	}
	seen := map[string]bool{}
	for _, m := range parameter.FindAllStringSubmatch(c, -1) {
		name, value := m[1], m[2]
		if seen[name] { // RFC 6750 §3
			t.Errorf("%s occurs twice in %q", name, c)
		}
		seen[name] = true
		switch name {
		case "scope":
			if value != scope {
				t.Errorf("scope %q of %q", value, scope)
			}
		case "acr_values":
			if value != "gold" && value != acr+" gold" {
				t.Errorf("acr_values %q of %q", value, acr)
			}
		case "max_age":
			if strings.Trim(value, "0123456789") != "" || value == "" {
				t.Errorf("max_age %q", value)
			}
		}
	}
	if !seen["realm"] {
		t.Errorf("challenge %q has no realm", c)
	}
}
