package adaptertest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// protect is an adapter for net/http.
type protect func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc

func (p protect) serve(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
	server := httptest.NewUnstartedServer(p(g, reqs, next))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of adapters that write twice
	server.Start()
	tb.Cleanup(server.Close)
	return server.URL
}

// facts, pass and refuse are the parts of a right adapter.
func facts(r *http.Request) guard.Request {
	return guard.Request{
		Method: r.Method, Scheme: "http", Host: r.Host, Path: r.URL.EscapedPath(), RemoteAddr: r.RemoteAddr, Header: r.Header,
	}
}

func pass(w http.ResponseWriter, r *http.Request, d guard.Decision, next http.HandlerFunc) {
	d.CopyHeader(w.Header().Set, w.Header().Add)
	next(w, r.WithContext(d.Context(r.Context())))
}

func refuse(w http.ResponseWriter, d guard.Decision) {
	d.CopyHeader(w.Header().Set, w.Header().Add)
	w.WriteHeader(d.Status())
	_, _ = w.Write(d.Body())
}

func right(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
	return judging(g, reqs, next, facts, refuse)
}

// judging is a right adapter but for how it reads a request and writes a refusal.
func judging(
	g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc,
	facts func(*http.Request) guard.Request, refuse func(http.ResponseWriter, guard.Decision),
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d := g.Check(r.Context(), facts(r), reqs...); d.Allowed() {
			pass(w, r, d, next)
		} else {
			refuse(w, d)
		}
	}
}

// bite is a case that must fail for a broken adapter, with a failure that says this.
type bite struct{ name, says string }

type brokenAdapter struct {
	name    string
	protect protect
	bites   []bite
}

func brokenAdapters() []brokenAdapter {
	return slices.Concat(brokenReaders(), brokenWriters(), brokenDeciders(), brokenProvers())
}

func TestBrokenAdaptersAreBitten(t *testing.T) {
	known := map[string]testCase{}
	for _, c := range cases() {
		known[c.name] = c
	}
	for _, broken := range brokenAdapters() {
		t.Run(broken.name, func(t *testing.T) {
			if len(broken.bites) == 0 {
				t.Error("no case bites")
			}
			for _, b := range broken.bites {
				c, ok := known[b.name]
				if !ok {
					t.Fatalf("there is no case %q", b.name)
				}
				if failures := recordCase(t, c, broken.protect.serve); !contains(failures, b.says) {
					t.Errorf("case %q does not say %q, but %q", b.name, b.says, failures)
				}
			}
		})
	}
}

func TestEveryCaseBites(t *testing.T) {
	bitten := map[string]bool{}
	for _, broken := range brokenAdapters() {
		for _, b := range broken.bites {
			bitten[b.name] = true
		}
	}
	names := map[string]bool{}
	for _, c := range cases() {
		if names[c.name] {
			t.Errorf("two cases are called %q", c.name)
		}
		names[c.name] = true
		if !bitten[c.name] {
			t.Errorf("no broken adapter is bitten by %q", c.name)
		}
	}
}

// The parts from which the broken adapters are made are right themselves.
func TestRightAdapter(t *testing.T) { Run(t, protect(right).serve) }

// A server that answers nobody fails the case instead of hanging or panicking.
func TestNoServer(t *testing.T) {
	nowhere := func(testing.TB, *guard.Guard, []verifier.Requirement, http.HandlerFunc) string { return "nowhere" }
	for _, c := range cases() {
		if failures := recordCase(t, c, nowhere); !contains(failures, "want a URL with scheme http") {
			t.Errorf("case %q says %q", c.name, failures)
		}
	}
}
