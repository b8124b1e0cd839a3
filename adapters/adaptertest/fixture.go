package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
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
	bridged  func(baseURL string) (method, url string) // or nil
}

func newFixture(tb testing.TB, serve serveFunc, opts ...Option) *fixture {
	tb.Helper()
	issuer := verifiertest.NewIssuer(tb)
	f := &fixture{TB: tb, serve: serve, issuer: issuer, verifier: newVerifier(tb, issuer.Policy())}
	for _, o := range opts {
		o.apply(f)
	}
	return f
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
	// callMethod and callURL are what a bridged call looks like; "" if there is no bridge.
	callMethod, callURL string

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
	r.start(f, g, reqs)
	return r
}

func (r *route) start(f *fixture, g *guard.Guard, reqs []verifier.Requirement) {
	r.Helper()
	base := f.serve(r.TB, g, reqs, r.handle)
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		r.Fatalf("serve returned %q, want a URL with scheme http", base)
	}
	r.address, r.path = u.Host, u.Path
	if f.bridged != nil {
		r.callMethod, r.callURL = f.bridged(base)
	}
}

// url is the URL of a path below the route, as the guard should see it.
func (r *route) url(path string) string {
	if r.callURL != "" {
		return r.callURL
	}
	return "http://" + r.address + r.path + "/" + path
}

// urlAt is the URL of the route at another origin.
func (r *route) urlAt(origin string) string {
	_, rest, _ := strings.Cut(r.url(""), "://")
	_, path, _ := strings.Cut(rest, "/")
	return origin + "/" + path
}

// method is that of a request as the guard should see it.
func (r *route) method(sent string) string {
	if r.callMethod != "" {
		return r.callMethod
	}
	return sent
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
