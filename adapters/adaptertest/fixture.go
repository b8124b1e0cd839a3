package adaptertest

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// fixture is what one case works with: an issuer, a verifier that trusts it, and the
// adapter under test.
type fixture struct {
	testing.TB
	serve    serveFunc
	issuer   *verifiertest.Issuer
	verifier *verifier.Verifier
}

func newFixture(tb testing.TB, serve serveFunc) *fixture {
	tb.Helper()
	issuer := verifiertest.NewIssuer(tb)
	return &fixture{TB: tb, serve: serve, issuer: issuer, verifier: newVerifier(tb, issuer.Policy())}
}

func newVerifier(tb testing.TB, p verifier.Policy) *verifier.Verifier {
	tb.Helper()
	v, err := verifier.New(p)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

// guard returns a guard with the case's verifier.
func (f *fixture) guard(opts ...guard.Option) *guard.Guard {
	f.Helper()
	g, err := guard.New(f.verifier, opts...)
	if err != nil {
		f.Fatal(err)
	}
	return g
}

// good is the value of Authorization with a good token for the subject.
func (f *fixture) good(subject string) string {
	return "Bearer " + f.issuer.Token(verifiertest.Claims{"sub": subject, "scp": []string{"read"}})
}

// route is a protected route on a server of its own.
type route struct {
	testing.TB
	address string // host:port
	path    string

	mu     sync.Mutex
	visits []visit
}

// visit is a request that reached the handler.
type visit struct {
	method string
	token  *verifier.Token // nil if the context had none
}

// subject of the token, or "" without one.
func (v visit) subject() string {
	if v.token == nil {
		return ""
	}
	return v.token.Subject()
}

// route protects a handler that answers 200 with the subject.
func (f *fixture) route(g *guard.Guard, reqs ...verifier.Requirement) *route {
	f.Helper()
	r := &route{TB: f.TB}
	r.start(f.serve, g, reqs)
	return r
}

func (r *route) start(serve serveFunc, g *guard.Guard, reqs []verifier.Requirement) {
	r.Helper()
	base := serve(r.TB, g, reqs, r.handle)
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		r.Fatalf("serve returned %q, want a URL with scheme http", base)
	}
	r.address, r.path = u.Host, u.Path
}

func (r *route) handle(w http.ResponseWriter, q *http.Request) {
	token, _ := verifier.TokenFromContext(q.Context())
	v := visit{method: q.Method, token: token}
	r.mu.Lock()
	r.visits = append(r.visits, v)
	r.mu.Unlock()
	_, _ = w.Write([]byte(v.subject()))
}

// take returns the visits so far and forgets them.
func (r *route) take() []visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	visits := r.visits
	r.visits = nil
	return visits
}
