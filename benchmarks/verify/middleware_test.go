package verify_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/validator"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// discard is a response that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

var errNotServed = errors.New("the request did not reach the handler")

// guarded sends a request through middleware to a handler that finds out whose it is.
func guarded(tb testing.TB, tokens []string, protect func(http.Handler) http.Handler, subject func(*http.Request) string) func(i int) error {
	tb.Helper()
	found := ""
	handler := protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { found = subject(r) }))
	requests := make([]*http.Request, len(tokens))
	for i, token := range tokens {
		requests[i] = httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/books", nil)
		requests[i].Header.Set("Authorization", "Bearer "+token)
	}
	w := discard{http.Header{}}
	return func(i int) error {
		found = ""
		handler.ServeHTTP(w, requests[i%len(requests)])
		if found != devissuer.DefaultSubject {
			return errNotServed
		}
		return nil
	}
}

func ourSubject(r *http.Request) string {
	token, ok := verifier.TokenFromContext(r.Context())
	if !ok {
		return ""
	}
	return token.Subject()
}

func throughHTTPAuth(tb testing.TB, v *verifier.Verifier, tokens []string) func(i int) error {
	tb.Helper()
	g, err := guard.New(v)
	if err != nil {
		tb.Fatal(err)
	}
	return guarded(tb, tokens, httpauth.Protect(g), ourSubject)
}

// takeMiddleware times verification by itself and inside the middleware that comes with it.
func (o *outcome) takeMiddleware(t *testing.T, e effort) {
	s := newScene(t, devissuer.RS256)
	tokens := s.tokens(t, usual, e.tokens)
	v, remembers := newVerifier(t, s), newVerifier(t, s, verifier.WithTokenCache(1000))
	verifying := func(v *verifier.Verifier) func(i int) error {
		return func(i int) error {
			_, err := v.Verify(t.Context(), tokens[i%len(tokens)])
			return err
		}
	}
	wrapper, err := jwtmiddleware.New(jwtmiddleware.WithValidator(newAuth0(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	all := []*timed{
		{name: ours, run: verifying(v)},
		{name: throughPrefix + ours, run: throughHTTPAuth(t, v, tokens)},
		{name: cached, run: verifying(remembers)},
		{name: throughPrefix + cached, run: throughHTTPAuth(t, remembers, tokens)},
		{name: auth0, run: over(t.Context(), startAuth0(t, s), tokens)},
		{name: throughPrefix + auth0, run: guarded(t, tokens, wrapper.CheckJWT, auth0Subject)},
	}
	o.middleware = takeTurns(t, 2*e.rounds, e.turn, all)
	o.wrapped = map[string]cost{}
	for _, c := range all {
		o.wrapped[c.name] = costOf(t, e, c.run)
	}
	t.Logf("adapter and guard: %v of a verification", o.added(ours))
}

const (
	throughPrefix = "through middleware: "
	auth0         = "go-jwt-middleware"
)

// added is what middleware costs on top, as part of the verification by itself.
func (o *outcome) added(name string) spread {
	x := o.middleware.to(throughPrefix+name, name)
	return spread{x.low - 1, x.middle - 1, x.high - 1}
}

// addedAllocs are the allocations on top.
func (o *outcome) addedAllocs(name string) float64 {
	return o.wrapped[throughPrefix+name].allocs - o.wrapped[name].allocs
}

func auth0Subject(r *http.Request) string {
	claims, err := jwtmiddleware.GetClaims[*validator.ValidatedClaims](r.Context())
	if err != nil {
		return ""
	}
	return claims.RegisteredClaims.Subject
}
