package fiberv2auth_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gofiber/fiber/v2"
	recovery "github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/fiberv2auth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// newApp takes header fields of 256 KiB, which some of the attacks need.
func newApp() *fiber.App {
	return fiber.New(fiber.Config{ReadBufferSize: 512 << 10, DisableStartupMessage: true})
}

// listen serves the app on a socket until the test ends and all handlers have returned.
func listen(tb testing.TB, app *fiber.App) (url string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(listener) }()
	tb.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			tb.Error(err)
		}
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
		app := newApp()
		app.Use(fiberv2auth.Protect(g, reqs...), func(c *fiber.Ctx) error {
			r, err := http.NewRequestWithContext(c.UserContext(), c.Method(), "/", nil)
			if err != nil {
				return err
			}
			w := httptest.NewRecorder()
			next(w, r)
			return c.Status(w.Code).Send(w.Body.Bytes())
		})
		return listen(tb, app)
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

// answer is what an app said without a socket.
type answer struct {
	code   int
	header http.Header
	body   string
}

func serve(t *testing.T, app *fiber.App, r *http.Request) answer {
	t.Helper()
	resp, err := app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// An error handler, which would replace the answer, does not get refusals.
func TestErrorHandlerLeavesRefusalsAlone(t *testing.T) {
	g, good := fixture(t)
	handled := 0
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, _ error) error {
		handled++
		return c.Status(http.StatusTeapot).SendString("something went wrong")
	}})
	app.Use(func(c *fiber.Ctx) error {
		c.Set("Access-Control-Allow-Origin", "https://page.test")
		c.Set("Cache-Control", "max-age=60")
		return c.Next()
	})
	app.Get("/books", fiberv2auth.Protect(g), func(*fiber.Ctx) error { return io.ErrUnexpectedEOF })

	got := serve(t, app, request(t, ""))
	if got.code != http.StatusUnauthorized || handled != 0 {
		t.Errorf("%+v, error handler called %d times", got, handled)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://page.test", "Cache-Control": "no-store",
		"WWW-Authenticate": `Bearer realm="api"`, "Content-Type": "application/problem+json",
	} {
		if values := got.header.Values(name); !slices.Equal(values, []string{want}) {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	if got := serve(t, app, request(t, good)); got.code != http.StatusTeapot || handled != 1 {
		t.Errorf("%+v, error handler called %d times, want once", got, handled)
	}
}

// The context that outer middleware has set is the parent: the guard's hooks see its
// values, and it can end the wait for keys.
func TestContextOfOuterMiddlewareIsTheParent(t *testing.T) {
	type key struct{}
	asked := 0
	g, good := fixture(t, verifier.WithRevocation(func(ctx context.Context, _ *verifier.Token) (bool, error) {
		asked++
		if ctx.Value(key{}) != "outer" {
			t.Error("the hook does not see the outer context")
		}
		return false, ctx.Err()
	}))
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "outer"))
	called := 0
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(ctx)
		return c.Next()
	})
	app.Get("/books", fiberv2auth.Protect(g), func(c *fiber.Ctx) error {
		called++
		if token, ok := verifier.TokenFromContext(c.UserContext()); !ok || token.Subject() != "ada" || c.UserContext().Value(key{}) != "outer" {
			t.Error("the handler's context lacks the token or the outer value")
		}
		return nil
	})
	if got := serve(t, app, request(t, good)); got.code != http.StatusOK || called != 1 {
		t.Fatalf("%+v, handler called %d times", got, called)
	}
	cancel()
	got := serve(t, app, request(t, good))
	if got.code != 499 || got.body != "" || called != 1 || asked != 2 || got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("%+v, handler called %d times, want once", got, called)
	}
}

// A guard that knows two schemes sends a challenge for each, in a field of its own.
func TestEveryChallengeArrives(t *testing.T) {
	g, _ := fixture(t)
	g, err := g.With(guard.WithDPoP(guard.DPoP{}))
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Get("/books", fiberv2auth.Protect(g), func(*fiber.Ctx) error { return nil })
	w := serve(t, app, request(t, ""))
	challenges := w.header.Values("WWW-Authenticate")
	if w.code != http.StatusUnauthorized || len(challenges) != 2 || slices.ContainsFunc(challenges, func(c string) bool { return c == "" }) {
		t.Errorf("status %d, challenges %q, want 2", w.code, challenges)
	}
}

func TestRequirementsAreCopied(t *testing.T) {
	g, good := fixture(t)
	reqs := []verifier.Requirement{verifier.Scopes("admin")}
	app := fiber.New()
	app.Get("/books", fiberv2auth.Protect(g, reqs...), func(*fiber.Ctx) error { return nil })
	reqs[0] = verifier.Scopes("openid")
	if got := serve(t, app, request(t, good)); got.code != http.StatusForbidden {
		t.Errorf("%+v, want 403", got)
	}
}

func TestPanicReachesRecovery(t *testing.T) {
	g, good := fixture(t)
	called := false
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, _ error) error { return c.SendStatus(http.StatusTeapot) }})
	app.Use(recovery.New())
	app.Get("/books", fiberv2auth.Protect(g, verifier.NewRequirement(verifier.RequirementSpec{
		Name: "panics", Check: func(context.Context, *verifier.Token) error { panic("on purpose") },
	})), func(*fiber.Ctx) error { called = true; return nil })
	if got := serve(t, app, request(t, good)); got.code != http.StatusTeapot || called {
		t.Errorf("%+v, handler called: %t", got, called)
	}
}

// A stream is written after the handler has returned and its Ctx serves others.
func TestHandlersCanStream(t *testing.T) {
	g, good := fixture(t)
	read := make(chan struct{})
	app := newApp()
	app.Get("/books", fiberv2auth.Protect(g), func(c *fiber.Ctx) error {
		token, _ := fiberv2auth.Token(c)
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			_, _ = w.WriteString("first,")
			if err := w.Flush(); err != nil {
				return
			}
			<-read
			_, _ = w.WriteString(token.Subject())
		})
		return nil
	})
	outgoing, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listen(t, app)+"/books", nil)
	if err != nil {
		t.Fatal(err)
	}
	outgoing.Header = request(t, good).Header
	outgoing.Close = true // so that the app can be shut down
	resp, err := http.DefaultTransport.RoundTrip(outgoing)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, len("first,"))
	_, err = io.ReadFull(resp.Body, first)
	close(read)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(resp.Body)
	if got := string(first) + string(rest); err != nil || got != "first,ada" {
		t.Errorf("%q, %v", got, err)
	}
}
