package ginauth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/ginauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		engine := gin.New()
		engine.Use(ginauth.Protect(g, reqs...))
		engine.NoRoute(func(c *gin.Context) { // every method and path; gin has set 404
			c.Status(http.StatusOK)
			next(c.Writer, c.Request)
		})
		server := httptest.NewServer(engine)
		tb.Cleanup(server.Close)
		return server.URL
	})
}

// The same table for a guard on a route, whose handler asks Gin for the token.
func TestAdapterOnRoutes(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		engine := gin.New()
		engine.Any("/*path", ginauth.Protect(g, reqs...), func(c *gin.Context) {
			ctx := context.Background()
			if token, ok := ginauth.Token(c); ok {
				ctx = verifier.ContextWithToken(ctx, token)
			}
			next(c.Writer, c.Request.WithContext(ctx))
		})
		server := httptest.NewServer(engine)
		tb.Cleanup(server.Close)
		return server.URL
	})
}

// fixture is a guard and a good token of ada.
func fixture(t *testing.T, opts ...verifier.Option) (g *guard.Guard, token string) {
	t.Helper()
	issuer := verifiertest.NewIssuer(t)
	v, err := verifier.New(issuer.Policy(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	if g, err = guard.New(v); err != nil {
		t.Fatal(err)
	}
	return g, issuer.Token(verifiertest.Claims{"sub": "ada"})
}

func request(t *testing.T, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/books", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A gin.Context is a context, but looks into that of its request only if told to. Token
// and the request's context do not depend on it.
func TestTokenIsFoundWhateverContextWithFallbackSays(t *testing.T) {
	g, good := fixture(t)
	for _, fallback := range []bool{false, true} {
		engine := gin.New()
		engine.ContextWithFallback = fallback
		engine.GET("/books", ginauth.Protect(g), func(c *gin.Context) {
			for what, ctx := range map[string]context.Context{"request": c.Request.Context(), "copy": c.Copy().Request.Context()} {
				if token, ok := verifier.TokenFromContext(ctx); !ok || token.Subject() != "ada" {
					t.Errorf("fallback %t: no token in the context of the %s", fallback, what)
				}
			}
			if token, ok := ginauth.Token(c); !ok || token.Subject() != "ada" {
				t.Errorf("fallback %t: Token finds none", fallback)
			}
			if _, ok := verifier.TokenFromContext(c); ok != fallback {
				t.Errorf("fallback %t: the token is in the gin.Context: %t", fallback, ok)
			}
		})
		if w := serve(engine, request(t, good)); w.Code != http.StatusOK {
			t.Errorf("fallback %t: status %d", fallback, w.Code)
		}
	}
}

func TestTokenOfUnguardedRequests(t *testing.T) {
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	if token, ok := ginauth.Token(c); ok || token != nil {
		t.Error("a token without a request")
	}
	c.Request = request(t, "")
	if token, ok := ginauth.Token(c); ok || token != nil {
		t.Error("a token without a guard")
	}
}

// A refusal ends the chain, whoever would come next, and the outer middleware goes on.
func TestRefusalAborts(t *testing.T) {
	g, _ := fixture(t)
	var saw []string
	note := func(what string) gin.HandlerFunc {
		return func(c *gin.Context) {
			saw = append(saw, what)
			c.Next()
			saw = append(saw, what+" "+http.StatusText(c.Writer.Status()))
		}
	}
	engine := gin.New()
	engine.Use(note("outer"))
	group := engine.Group("/", ginauth.Protect(g), note("inner"))
	group.GET("/books", note("handler"))
	w := serve(engine, request(t, ""))
	if want := []string{"outer", "outer Unauthorized"}; w.Code != http.StatusUnauthorized || !slices.Equal(saw, want) {
		t.Errorf("status %d, ran %q, want %q", w.Code, saw, want)
	}
}

// Middleware that renders c.Errors must not add to a refusal.
func TestRefusalIsTheWholeAnswer(t *testing.T) {
	g, _ := fixture(t)
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		c.Header("Access-Control-Allow-Origin", "https://page.test")
		c.Header("Cache-Control", "max-age=60")
		c.Next()
		if len(c.Errors) > 0 {
			c.JSON(http.StatusInternalServerError, gin.H{"error": c.Errors.Last().Error()})
		}
	})
	engine.GET("/books", ginauth.Protect(g))
	w := serve(engine, request(t, ""))
	if !json.Valid(w.Body.Bytes()) || w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://page.test", "Cache-Control": "no-store",
		"WWW-Authenticate": `Bearer realm="api"`, "Content-Type": "application/problem+json",
	} {
		if got := w.Header().Values(name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Gin answers 200 for a chain that writes nothing, so a caller who is taken for gone must
// get the status all the same.
func TestCallerHasLeft(t *testing.T) {
	g, good := fixture(t, verifier.WithRevocation(func(ctx context.Context, _ *verifier.Token) (bool, error) {
		return false, ctx.Err()
	}))
	called := 0
	engine := gin.New()
	engine.GET("/books", ginauth.Protect(g), func(*gin.Context) { called++ })
	serve(engine, request(t, good)) // has the keys fetched

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := serve(engine, request(t, good).WithContext(ctx))
	if w.Code != 499 || w.Body.Len() != 0 || called != 1 || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("status %d, header %v, body %q, handler called %d times, want once", w.Code, w.Header(), w.Body, called)
	}
}

// A guard that knows two schemes sends a challenge for each, in a field of its own.
func TestEveryChallengeArrives(t *testing.T) {
	g, _ := fixture(t)
	g, err := g.With(guard.WithDPoP(guard.DPoP{}))
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	engine.GET("/books", ginauth.Protect(g))
	w := serve(engine, request(t, ""))
	challenges := w.Header().Values("WWW-Authenticate")
	if w.Code != http.StatusUnauthorized || len(challenges) != 2 || slices.ContainsFunc(challenges, func(c string) bool { return c == "" }) {
		t.Errorf("status %d, challenges %q, want 2", w.Code, challenges)
	}
}

func TestRequirementsAreCopied(t *testing.T) {
	g, good := fixture(t)
	reqs := []verifier.Requirement{verifier.Scopes("admin")}
	engine := gin.New()
	engine.GET("/books", ginauth.Protect(g, reqs...))
	reqs[0] = verifier.Scopes("openid")
	if w := serve(engine, request(t, good)); w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}

func TestPanicReachesRecovery(t *testing.T) {
	g, good := fixture(t)
	called := false
	engine := gin.New()
	engine.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusTeapot) }))
	engine.GET("/books", ginauth.Protect(g, verifier.NewRequirement(verifier.RequirementSpec{
		Name: "panics", Check: func(context.Context, *verifier.Token) error { panic("on purpose") },
	})), func(*gin.Context) { called = true })
	if w := serve(engine, request(t, good)); w.Code != http.StatusTeapot || called {
		t.Errorf("status %d, handler called: %t", w.Code, called)
	}
}

// What a handler flushes arrives while it still runs.
func TestHandlersCanStream(t *testing.T) {
	g, good := fixture(t)
	read := make(chan struct{})
	engine := gin.New()
	engine.GET("/books", ginauth.Protect(g), func(c *gin.Context) {
		_, _ = c.Writer.WriteString("first,")
		c.Writer.Flush()
		select {
		case <-read:
		case <-c.Request.Context().Done():
		}
		token, _ := ginauth.Token(c)
		_, _ = c.Writer.WriteString(token.Subject())
	})
	server := httptest.NewServer(engine)
	defer server.Close()
	outgoing, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/books", nil)
	if err != nil {
		t.Fatal(err)
	}
	outgoing.Header = request(t, good).Header
	resp, err := server.Client().Do(outgoing)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, len("first,"))
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(read)
	rest, err := io.ReadAll(resp.Body)
	if got := string(first) + string(rest); err != nil || got != "first,ada" {
		t.Errorf("%q, %v", got, err)
	}
}
