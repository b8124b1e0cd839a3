package echoauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/echoauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		e := echo.New()
		e.Use(echoauth.Protect(g, reqs...))
		e.Any("/*", func(c *echo.Context) error {
			next(c.Response(), c.Request())
			return nil
		})
		server := httptest.NewServer(e)
		tb.Cleanup(server.Close)
		return server.URL
	})
}

// The same table for a guard on a route, whose handler asks Echo for the token.
func TestAdapterOnRoutes(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		e := echo.New()
		e.Any("/*", func(c *echo.Context) error {
			ctx := context.Background()
			if token, ok := echoauth.Token(c); ok {
				ctx = verifier.ContextWithToken(ctx, token)
			}
			next(c.Response(), c.Request().WithContext(ctx))
			return nil
		}, echoauth.Protect(g, reqs...))
		server := httptest.NewServer(e)
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

func TestTokenOfUnguardedRequests(t *testing.T) {
	c := echo.New().NewContext(request(t, ""), httptest.NewRecorder())
	if token, ok := echoauth.Token(c); ok || token != nil {
		t.Error("a token without a guard")
	}
}

// An error handler, even one that does not look whether the answer has been written, and
// one that knows no challenges, leaves a refusal alone. Errors of handlers reach it.
func TestErrorHandlerLeavesRefusalsAlone(t *testing.T) {
	g, good := fixture(t)
	var handled []error
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		handled = append(handled, err)
		_ = c.JSON(http.StatusInternalServerError, map[string]string{"message": "something went wrong"})
	}
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Response().Header().Set("Access-Control-Allow-Origin", "https://page.test")
			c.Response().Header().Set("Cache-Control", "max-age=60")
			return next(c)
		}
	})
	broken := errors.New("the shelf is broken")
	e.GET("/books", func(*echo.Context) error { return broken }, echoauth.Protect(g))

	w := serve(e, request(t, ""))
	if !json.Valid(w.Body.Bytes()) || w.Code != http.StatusUnauthorized || len(handled) != 0 {
		t.Errorf("status %d, body %q, error handler got %v", w.Code, w.Body, handled)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://page.test", "Cache-Control": "no-store",
		"WWW-Authenticate": `Bearer realm="api"`, "Content-Type": "application/problem+json",
	} {
		if got := w.Header().Values(name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	w = serve(e, request(t, good))
	if w.Code != http.StatusInternalServerError || !slices.Equal(handled, []error{broken}) {
		t.Errorf("status %d, error handler got %v", w.Code, handled)
	}
}

// Outer middleware sees the status of a refusal.
func TestOuterMiddlewareSeesTheStatus(t *testing.T) {
	g, _ := fixture(t)
	logged := 0
	e := echo.New()
	e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true,
		LogValuesFunc: func(_ *echo.Context, v middleware.RequestLoggerValues) error {
			logged = v.Status
			return v.Error
		},
	}), echoauth.Protect(g))
	e.GET("/books", func(c *echo.Context) error { return c.NoContent(http.StatusOK) })
	if w := serve(e, request(t, "")); w.Code != http.StatusUnauthorized || logged != http.StatusUnauthorized {
		t.Errorf("status %d, logged %d", w.Code, logged)
	}
}

// Echo answers 200 for a handler that writes nothing, so a caller who is taken for gone
// must get the status all the same.
func TestCallerHasLeft(t *testing.T) {
	g, good := fixture(t, verifier.WithRevocation(func(ctx context.Context, _ *verifier.Token) (bool, error) {
		return false, ctx.Err()
	}))
	called := 0
	e := echo.New()
	e.GET("/books", func(*echo.Context) error { called++; return nil }, echoauth.Protect(g))
	serve(e, request(t, good)) // has the keys fetched

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := serve(e, request(t, good).WithContext(ctx))
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
	e := echo.New()
	e.GET("/books", func(*echo.Context) error { return nil }, echoauth.Protect(g))
	w := serve(e, request(t, ""))
	challenges := w.Header().Values("WWW-Authenticate")
	if w.Code != http.StatusUnauthorized || len(challenges) != 2 || slices.ContainsFunc(challenges, func(c string) bool { return c == "" }) {
		t.Errorf("status %d, challenges %q, want 2", w.Code, challenges)
	}
}

func TestRequirementsAreCopied(t *testing.T) {
	g, good := fixture(t)
	reqs := []verifier.Requirement{verifier.Scopes("admin")}
	e := echo.New()
	e.GET("/books", func(*echo.Context) error { return nil }, echoauth.Protect(g, reqs...))
	reqs[0] = verifier.Scopes("openid")
	if w := serve(e, request(t, good)); w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}

func TestPanicReachesRecovery(t *testing.T) {
	g, good := fixture(t)
	called := false
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, _ error) { _ = c.NoContent(http.StatusTeapot) }
	e.Use(middleware.Recover())
	e.GET("/books", func(*echo.Context) error { called = true; return nil },
		echoauth.Protect(g, verifier.NewRequirement(verifier.RequirementSpec{
			Name: "panics", Check: func(context.Context, *verifier.Token) error { panic("on purpose") },
		})))
	if w := serve(e, request(t, good)); w.Code != http.StatusTeapot || called {
		t.Errorf("status %d, handler called: %t", w.Code, called)
	}
}

// What a handler flushes arrives while it still runs.
func TestHandlersCanStream(t *testing.T) {
	g, good := fixture(t)
	read := make(chan struct{})
	e := echo.New()
	e.GET("/books", func(c *echo.Context) error {
		_, _ = c.Response().Write([]byte("first,"))
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			t.Error(err)
		}
		select {
		case <-read:
		case <-c.Request().Context().Done():
		}
		token, _ := echoauth.Token(c)
		_, err := c.Response().Write([]byte(token.Subject()))
		return err
	}, echoauth.Protect(g))
	server := httptest.NewServer(e)
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
