package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (discard) WriteHeader(int)             {}

// What nobody configured costs nothing: around a plain bearer token there are the context, the
// request that carries it, and little more.
func TestGuardAllocations(t *testing.T) {
	issuer := newIssuer(t)
	v := newVerifier(t, issuer)
	g, err := guard.New(v, guard.WithResourceMetadata("https://api.test/.well-known/oauth-protected-resource"))
	if err != nil {
		t.Fatal(err)
	}
	token := mint(t, issuer, nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/books", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	served := 0
	handler := httpauth.Protect(g)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	w := discard{http.Header{}}
	check := func(what string, most float64, f func()) {
		f() // fills what is filled once
		bare := testing.AllocsPerRun(200, func() { _, _ = v.Verify(t.Context(), token) })
		if raceDetector { // under which sync.Pool forgets at random; the bound proper is held without it
			most += bare
		}
		if n := testing.AllocsPerRun(200, f); n > bare+most {
			t.Errorf("%s allocates %v times, bare verification %v: want at most %v more", what, n, bare, most)
		} else {
			t.Logf("%s allocates %v times, bare verification %v", what, n, bare)
		}
	}
	request := guard.Request{Method: r.Method, Header: r.Header}
	check("guard", 0, func() { g.Check(t.Context(), request) })
	check("guard and httpauth", 8, func() { handler.ServeHTTP(w, r) })
	if served == 0 {
		t.Error("nothing was served")
	}
}

func BenchmarkCheck(b *testing.B) {
	g, issuer := newGuard(b)
	p := newProver(b)
	both, err := g.With(guard.WithDPoP(guard.DPoP{}))
	if err != nil {
		b.Fatal(err)
	}
	plain, bound := authorized("Bearer "+mint(b, issuer, nil)), p.token(b, issuer)
	proof := proven("DPoP "+bound, p.prove(b, bound, nil))
	for name, run := range map[string]func(){
		"bearer":                func() { g.Check(b.Context(), plain) },
		"bearer beside DPoP":    func() { both.Check(b.Context(), plain) },
		"DPoP, replayed proofs": func() { both.Check(b.Context(), proof) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
