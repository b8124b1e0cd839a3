package httpauth_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		server := httptest.NewServer(httpauth.Protect(g, reqs...)(next))
		tb.Cleanup(server.Close)
		return server.URL
	})
}

// fixture is a guard, a verifier that fetches its keys in memory, and a good token.
func fixture(t *testing.T, opts ...verifier.Option) (*guard.Guard, *verifier.Verifier, string) {
	t.Helper()
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience("https://api.test"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), HTTPClient: &http.Client{Transport: issuer.RoundTripper()}}},
		Audiences: []string{"https://api.test"},
	}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	g, err := guard.New(v)
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Mint(nil)
	if err != nil {
		t.Fatal(err)
	}
	return g, v, token
}

func request(t *testing.T, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/books", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// Handlers that stream, hijack or upgrade need the server's own ResponseWriter.
func TestProtectDoesNotWrapTheWriter(t *testing.T) {
	g, _, token := fixture(t)
	var got http.ResponseWriter
	w := httptest.NewRecorder()
	httpauth.Protect(g)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })).ServeHTTP(w, request(t, token))
	if got != w {
		t.Errorf("the handler got a %T", got)
	}
}

func TestRefusalKeepsOuterHeader(t *testing.T) {
	g, _, _ := fixture(t)
	w := httptest.NewRecorder()
	outer := http.Header{
		"Access-Control-Allow-Origin": {"https://page.test"}, "Access-Control-Expose-Headers": {"WWW-Authenticate"},
		"Vary": {"Origin"}, "Set-Cookie": {"a=b", "c=d"},
	}
	maps.Copy(w.Header(), outer)
	w.Header().Set("Cache-Control", "max-age=60")
	w.Header().Set("Content-Length", "1000")
	httpauth.Protect(g)(http.NotFoundHandler()).ServeHTTP(w, request(t, ""))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
	for name, values := range outer {
		if got := w.Header().Values(name); !slices.Equal(got, values) {
			t.Errorf("%s: %q, want %q", name, got, values)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Www-Authenticate": `Bearer realm="api"`} {
		if got := w.Header().Values(name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := w.Header().Get("Content-Length"); got == "1000" {
		t.Errorf("Content-Length %q of another body", got)
	}
}

// net/http answers 200 for a handler that writes nothing, so a caller who is taken for
// gone must get the status all the same.
func TestCallerHasLeft(t *testing.T) {
	g, _, token := fixture(t, verifier.WithRevocation(func(ctx context.Context, _ *verifier.Token) (bool, error) {
		return false, ctx.Err()
	}))
	called := 0
	handler := httpauth.Protect(g)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	handler.ServeHTTP(httptest.NewRecorder(), request(t, token)) // has the keys fetched

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request(t, token).WithContext(ctx))
	if w.Code != 499 || w.Body.Len() != 0 || called != 1 {
		t.Errorf("status %d, body %q, handler called %d times, want once", w.Code, w.Body, called)
	}
	if got := w.Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("challenge %q", got)
	}
}

// A slice that the program goes on using must not loosen a route.
func TestRequirementsAreCopied(t *testing.T) {
	g, _, token := fixture(t)
	reqs := []verifier.Requirement{verifier.Scopes("admin")}
	handler := httpauth.Protect(g, reqs...)(http.NotFoundHandler())
	reqs[0] = verifier.Scopes("openid")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request(t, token))
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}

func TestHealth(t *testing.T) {
	_, v, _ := fixture(t)
	probe := func() (int, string, int) {
		w := httptest.NewRecorder()
		httpauth.Health(v).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ready", nil))
		var body struct {
			Status  string `json:"status"`
			Issuers []struct {
				Keys []string `json:"keys"`
			} `json:"issuers"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Issuers) != 1 || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d issuers, header %v", len(body.Issuers), w.Header())
		}
		return w.Code, body.Status, len(body.Issuers[0].Keys)
	}
	if code, status, keys := probe(); code != http.StatusServiceUnavailable || status != "unavailable" || keys != 0 {
		t.Errorf("without keys: %d, %s, %d keys", code, status, keys)
	}
	if err := v.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, status, keys := probe(); code != http.StatusOK || status != "ok" || keys != 1 {
		t.Errorf("with keys: %d, %s, %d keys", code, status, keys)
	}
}
