package mcpauth_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/mcpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		protected := mcpauth.Protect(g, reqs...)(next)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			protected.ServeHTTP(relabelling{w}, r)
		}))
		tb.Cleanup(server.Close)
		return server.URL
	})
}

// relabelling swaps the two labels of a problem document, so that the table expects of this
// adapter the one that it does not expect of others.
type relabelling struct{ http.ResponseWriter }

func (w relabelling) WriteHeader(status int) {
	labels := map[string]string{"application/json": "application/problem+json", "application/problem+json": "application/json"}
	if label, ok := labels[w.Header().Get("Content-Type")]; ok && status >= http.StatusBadRequest {
		w.Header().Set("Content-Type", label)
	}
	w.ResponseWriter.WriteHeader(status)
}

func newGuard(tb testing.TB, v *verifier.Verifier, opts ...guard.Option) *guard.Guard {
	tb.Helper()
	g, err := guard.New(v, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func request(ctx context.Context, token string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/mcp", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// infoOf returns what the handler finds.
func infoOf(tb testing.TB, g *guard.Guard, r *http.Request) *auth.TokenInfo {
	tb.Helper()
	var info *auth.TokenInfo
	w := httptest.NewRecorder()
	mcpauth.Protect(g)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		info = auth.TokenInfoFromContext(r.Context())
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Errorf("status %d, body %q", w.Code, w.Body)
	}
	return info
}

func TestTokenInfo(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)
	token := issuer.Token(verifiertest.Claims{"sub": "ada", "scp": "read write", "exp": expiry.Unix()})
	info := infoOf(t, newGuard(t, issuer.Verifier()), request(t.Context(), token))
	if info == nil || !slices.Equal(info.Scopes, []string{"read", "write"}) || !info.Expiration.Equal(expiry) {
		t.Fatalf("%+v", info)
	}
	if got, ok := mcpauth.Token(info); !ok || got.Subject() != "ada" {
		t.Errorf("token %v", got)
	}
}

func TestTokenOfAnotherInfo(t *testing.T) {
	for _, info := range []*auth.TokenInfo{nil, {}, {Extra: map[string]any{"token": 1}}} {
		if got, ok := mcpauth.Token(info); ok || got != nil {
			t.Errorf("%+v has %v", info, got)
		}
	}
}

func TestUserIDIsOneUsers(t *testing.T) {
	one, two := verifiertest.NewIssuer(t, verifiertest.WithURL("https://one.test")), verifiertest.NewIssuer(t, verifiertest.WithURL("https://two.test"))
	policy := one.Policy()
	policy.Issuers = append(policy.Issuers, two.Policy().Issuers...)
	v, err := verifier.New(policy)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	g := newGuard(t, v)
	no := verifiertest.Omit
	tokens := map[string]string{
		"ada at one":             one.Token(verifiertest.Claims{"sub": "ada"}),
		"ada at two":             two.Token(verifiertest.Claims{"sub": "ada"}),
		"bob at one":             one.Token(verifiertest.Claims{"sub": "bob"}),
		"one whose name is long": one.Token(verifiertest.Claims{"sub": "ada&iss=https://two.test"}),
		"the client ada":         one.Token(verifiertest.Claims{"sub": no, "azp": "ada"}),
		"the client bob":         one.Token(verifiertest.Claims{"sub": no, "azp": "bob"}),
		"nobody, by token":       one.Token(verifiertest.Claims{"sub": no, "azp": no, "jti": "ada"}),
		"nobody, another token":  one.Token(verifiertest.Claims{"sub": no, "azp": no, "jti": "bob"}),
		"nobody at all":          one.Token(verifiertest.Claims{"sub": no, "azp": no, "jti": no}),
	}
	seen := map[string]string{}
	for _, who := range slices.Sorted(maps.Keys(tokens)) {
		id := infoOf(t, g, request(t.Context(), tokens[who])).UserID
		if other, ok := seen[id]; ok || id == "" {
			t.Errorf("%s and %s are both %q", who, other, id)
		}
		seen[id] = who
		again := infoOf(t, g, request(t.Context(), tokens[who])).UserID
		if (again == id) == (who == "nobody at all") {
			t.Errorf("%s is %q, then %q", who, id, again)
		}
	}
	refreshed := one.Token(verifiertest.Claims{"sub": "ada", "azp": "another"})
	if id := infoOf(t, g, request(t.Context(), refreshed)).UserID; seen[id] != "ada at one" {
		t.Errorf("ada with a new token is %q", seen[id])
	}
}

// The revocation hook runs once for each verification.
func TestTokenIsVerifiedOnce(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	verified := 0
	g := newGuard(t, issuer.Verifier(verifier.WithRevocation(func(context.Context, *verifier.Token) (bool, error) {
		verified++
		return false, nil
	})))
	for n := range 3 {
		infoOf(t, g, request(t.Context(), issuer.Token()))
		if verified != n+1 {
			t.Errorf("%d verifications after %d requests", verified, n+1)
		}
	}
}

// The guard has judged the time, by its own clock and leeway; nobody judges again.
func TestTimeIsTheGuards(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	late := issuer.Token(verifiertest.Claims{"exp": devissuer.FromNow(-5 * time.Second)})
	infoOf(t, newGuard(t, issuer.Verifier()), request(t.Context(), late))

	old := issuer.Token(verifiertest.Claims{"exp": devissuer.FromNow(-24 * time.Hour), "iat": devissuer.FromNow(-25 * time.Hour)})
	yesterday := func() time.Time { return time.Now().Add(-24*time.Hour - time.Minute) }
	infoOf(t, newGuard(t, issuer.Verifier(verifier.WithClock(yesterday))), request(t.Context(), old))
}

// The handler gets the request as it came, whatever scheme its credentials had.
func TestRequestIsHandedOnAsItCame(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	token := issuer.Token()
	r := request(t.Context(), "")
	r.Header.Set("Authorization", "bEaReR   "+token)
	r.Header.Set("X-Own", "x")
	r.SetPathValue("tenant", "t1")
	want := r.Header.Clone()
	w := httptest.NewRecorder()
	mcpauth.Protect(newGuard(t, issuer.Verifier()))(http.HandlerFunc(func(got http.ResponseWriter, q *http.Request) {
		if got != w || q.URL != r.URL || q.PathValue("tenant") != "t1" || !maps.EqualFunc(q.Header, want, slices.Equal) {
			t.Errorf("%T, %+v", got, q)
		}
		if _, ok := verifier.TokenFromContext(q.Context()); !ok {
			t.Error("no token in the context")
		}
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}

func TestAnonymousHasNoTokenInfo(t *testing.T) {
	g := newGuard(t, verifiertest.NewIssuer(t).Verifier(), guard.WithOptional())
	if info := infoOf(t, g, request(t.Context(), "")); info != nil {
		t.Errorf("%+v", info)
	}
}

func TestRefusalIsJSON(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	handler := mcpauth.Protect(newGuard(t, issuer.Verifier()), verifier.AnyScope("mcp", "admin"))(http.NotFoundHandler())
	for token, want := range map[string]string{
		"undefined":    `"error":"invalid_token"`,
		issuer.Token(): `"error":"insufficient_scope"`,
		"":             `"status":401`,
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request(t.Context(), token))
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Header().Get("Content-Type") != "application/json" || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%v: %s", w.Header(), w.Body)
		}
		if named := strings.Contains(challenge, "error="); named != (token != "") {
			t.Errorf("challenge %s", challenge)
		}
	}
}

// A slice that the program goes on using must not loosen a route.
func TestRequirementsAreCopied(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	reqs := []verifier.Requirement{verifier.NewRequirement(verifier.RequirementSpec{
		Name: "never", Check: func(context.Context, *verifier.Token) error { return errors.New("no") },
	})}
	handler := mcpauth.Protect(newGuard(t, issuer.Verifier()), reqs...)(http.NotFoundHandler())
	reqs[0] = verifier.Scopes("openid")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request(t.Context(), issuer.Token()))
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}

// The go-sdk knows one place for a token; the guard may know more.
func TestTokenInACookie(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	r := request(t.Context(), "")
	r.AddCookie(&http.Cookie{Name: "__Host-token", Value: issuer.Token(verifiertest.Claims{"sub": "ada"})})
	info := infoOf(t, newGuard(t, issuer.Verifier(), guard.WithCookie("__Host-token")), r)
	if token, ok := mcpauth.Token(info); !ok || token.Subject() != "ada" {
		t.Errorf("%+v", info)
	}
}

func TestChallengeNamesTheMetadata(t *testing.T) {
	const url = "https://api.test/.well-known/oauth-protected-resource/mcp"
	issuer := verifiertest.NewIssuer(t)
	handler := mcpauth.Protect(newGuard(t, issuer.Verifier(), guard.WithResourceMetadata(url)), verifier.Scopes("mcp"))(http.NotFoundHandler())
	for token, status := range map[string]int{"": 401, "undefined": 401, issuer.Token(): 403} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request(t.Context(), token))
		if challenge := w.Header().Get("WWW-Authenticate"); w.Code != status || !strings.Contains(challenge, `resource_metadata="`+url+`"`) {
			t.Errorf("status %d, challenge %s", w.Code, challenge)
		}
	}
}
