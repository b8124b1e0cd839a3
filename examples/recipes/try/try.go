// Package try tries the recipes of this module from outside.
package try

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// Guard returns a guard and the issuer that it trusts.
func Guard(tb testing.TB, opts ...guard.Option) (*guard.Guard, *verifiertest.Issuer) {
	tb.Helper()
	issuer := verifiertest.NewIssuer(tb)
	g, err := guard.New(issuer.Verifier(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return g, issuer
}

// Serve serves a handler on loopback and returns its address.
func Serve(tb testing.TB, handler http.Handler) string {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server.URL
}

// Call is a request and what must come of it.
type Call struct {
	Method, Path string
	Body         string   // JSON
	Tokens       []string // each in an Authorization header of its own
	Status       int
	Want         string // is part of the body
	Challenge    string // is part of the challenge; "" for none
}

// Calls makes the calls, each named.
func Calls(tb testing.TB, base string, calls map[string]Call) {
	tb.Helper()
	for name, c := range calls {
		r, err := http.NewRequestWithContext(tb.Context(), c.Method, base+c.Path, strings.NewReader(c.Body))
		if err != nil {
			tb.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for _, token := range c.Tokens {
			r.Header.Add("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			tb.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			tb.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.Status || !strings.Contains(string(body), c.Want) {
			tb.Errorf("%s: status %d with %s, want %d with %s", name, resp.StatusCode, body, c.Status, c.Want)
		}
		challenges := resp.Header.Values("WWW-Authenticate")
		found := slices.ContainsFunc(challenges, func(s string) bool { return strings.Contains(s, c.Challenge) })
		if c.Challenge != "" && !found || c.Challenge == "" && len(challenges) != 0 {
			tb.Errorf("%s: challenges %q, want one with %q", name, challenges, c.Challenge)
		}
	}
}
