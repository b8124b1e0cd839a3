package adaptertest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func tokenInContext(f *fixture) {
	r := f.route(f.guard(), verifier.Scopes("read"))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r.passes(method, ask{method: method, authorization: []string{f.good("ada")}}, "ada")
	}
}

var preflightHeader = []string{"Origin: https://page.test", "Access-Control-Request-Method: POST"}

func preflight(f *fixture) {
	r := f.route(f.guard(guard.WithPreflight()), verifier.Scopes("read"))
	r.passes("preflight", ask{method: http.MethodOptions, header: preflightHeader}, "")
	r.refuses("OPTIONS alone", ask{method: http.MethodOptions}, unauthorized)
	r.refuses("no origin", ask{method: http.MethodOptions, header: preflightHeader[1:]}, unauthorized)
	r.refuses("no requested method", ask{method: http.MethodOptions, header: preflightHeader[:1]}, unauthorized)
	r.refuses("GET", ask{header: preflightHeader}, unauthorized)
	r.refuses("method in a header", ask{
		method: http.MethodPost, header: append([]string{"X-HTTP-Method-Override: OPTIONS"}, preflightHeader...),
	}, unauthorized)
}

func preflightNotAskedFor(f *fixture) {
	r := f.route(f.guard())
	r.refuses("preflight", ask{method: http.MethodOptions, header: preflightHeader}, unauthorized)
	r.passes("with a token", ask{method: http.MethodOptions, authorization: []string{f.good("ada")}}, "ada")
}

func optional(f *fixture) {
	g := f.guard(guard.WithOptional())
	open, closed := f.route(g), f.route(g, verifier.Scopes("read"))
	good := ask{authorization: []string{f.good("ada")}}
	open.passes("nothing sent", ask{}, "")
	open.passes("good token", good, "ada")
	open.refuses("bad token", ask{authorization: []string{"Bearer x"}}, invalidToken)
	open.refuses("broken header", ask{authorization: []string{"Bearer"}}, badRequest)
	open.refuses("two headers", ask{authorization: append(good.authorization, "Basic eA==")}, badRequest)
	closed.refuses("nothing sent, but required", ask{}, unauthorized)
	closed.passes("good token, and required", good, "ada")
}

// callerLeaves closes the connection while the keys are being fetched. Frameworks that do
// not notice wait for the keys in vain; no framework may call the handler.
func callerLeaves(f *fixture) {
	r := &route{TB: f.TB}
	// Registered before the server's own cleanup and so run after it, when every handler
	// has returned.
	f.Cleanup(func() {
		if n := len(r.take()); n != 0 {
			f.Errorf("the handler was called %d times for a caller who had left", n)
		}
	})
	hung := &hungTransport{asked: make(chan struct{})}
	policy := f.issuer.Policy()
	policy.Issuers[0].HTTPClient = &http.Client{Transport: hung}
	f.verifier = newVerifier(f, policy)
	r.start(f, f.guard(), nil)

	w, err := r.dial()
	if err != nil {
		f.Fatal(err)
	}
	_, err = w.conn.Write(ask{authorization: []string{f.good("ada")}}.bytes(r))
	if err != nil {
		f.Fatal(err)
	}
	<-hung.asked
	if err := w.conn.Close(); err != nil {
		f.Fatal(err)
	}
}

// hungTransport never answers, and tells when it was first asked.
type hungTransport struct {
	once  sync.Once
	asked chan struct{}
}

func (t *hungTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.once.Do(func() { close(t.asked) })
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// oneConnection sends requests of several callers over one connection, as a proxy does.
// What one has sent must not serve the next, and a token that a handler kept must not
// change when the server reuses its buffers.
func oneConnection(f *fixture) {
	r := f.route(f.guard())
	w, err := r.dial()
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = w.conn.Close() }()
	send := func(a ask) *answer {
		got, err := w.do(a)
		if err != nil {
			f.Fatalf("no answer on a used connection: %v", err)
		}
		return got
	}
	subjects := []string{"ada", "bob", "eve", "joe"} // of one length, as buffers like it
	kept := make([]visit, 0, len(subjects))
	for _, subject := range subjects {
		good := f.good(subject)
		if got := send(ask{authorization: []string{good}}); got.status != http.StatusOK || got.body != subject {
			f.Errorf("status %d, body %q, want 200 %q", got.status, got.body, subject)
		}
		kept = append(kept, r.take()...)
		r.refused("nothing sent after a good token", ask{}, send(ask{}), unauthorized)
		forged := ask{authorization: []string{good[:len(good)-8] + strings.Repeat("A", 8)}}
		r.refused("forged after a good token", forged, send(forged), invalidToken)
	}
	if len(kept) != len(subjects) {
		f.Fatalf("the handler was called %d times, want %d", len(kept), len(subjects))
	}
	for i, v := range kept {
		if v.subject() != subjects[i] {
			f.Errorf("the token of request %d has another subject after the request", i)
		}
	}
}

// manyAtOneTime looks for state that requests share.
func manyAtOneTime(f *fixture) {
	const callers, requests = 8, 20
	r := f.route(f.guard())
	var wg sync.WaitGroup
	for i := range callers {
		subject := fmt.Sprintf("caller-%d", i)
		good := ask{authorization: []string{f.good(subject)}}
		wg.Go(func() {
			w, err := r.dial()
			if err != nil {
				f.Error(err)
				return
			}
			defer func() { _ = w.conn.Close() }()
			for range requests {
				got, err := w.do(good)
				if err != nil {
					f.Errorf("no answer: %v", err)
					return
				}
				if got.status != http.StatusOK || got.body != subject {
					f.Errorf("status %d, body %q, want 200 %q", got.status, got.body, subject)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(r.take()); n != callers*requests && !f.Failed() {
		f.Errorf("the handler was called %d times, want %d", n, callers*requests)
	}
}
