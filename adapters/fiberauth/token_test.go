package fiberauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/keychorus/keychorus/adapters/fiberauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Whatever a handler takes for the context of the request has the token, and has none for
// the next caller on the connection.
func TestTokenIsInEveryContextOfItsRequestAlone(t *testing.T) {
	g, good := fixture(t)
	g, err := g.With(guard.WithOptional())
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]*verifier.Token
	look := func(what string, ctx context.Context) {
		if token, ok := verifier.TokenFromContext(ctx); ok {
			found[what] = token
		}
	}
	app := newApp()
	app.Get("/books", fiberauth.Protect(g), func(c fiber.Ctx) error {
		look("Context", c.Context())
		look("Ctx", c)
		look("RequestCtx", c.RequestCtx())
		if token, ok := fiberauth.Token(c); ok {
			found["Token"] = token
		}
		return c.Next()
	}, adaptor.HTTPHandlerFunc(func(_ http.ResponseWriter, r *http.Request) { look("adaptor", r.Context()) }))
	url := listen(t, app) + "/books"

	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for _, token := range []string{good, "", good, ""} {
		found = map[string]*verifier.Token{}
		r := request(t, token)
		outgoing, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		outgoing.Header = r.Header
		resp, err := client.Do(outgoing)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want := 0
		if token != "" {
			want = 5
		}
		if resp.StatusCode != http.StatusOK || len(found) != want {
			t.Errorf("with a token: %t: status %d, found in %d places, want %d: %v", token != "", resp.StatusCode, len(found), want, found)
		}
		for what, token := range found {
			if token.Subject() != "ada" {
				t.Errorf("%s: subject %q", what, token.Subject())
			}
		}
	}
}

func TestTokenOfUnguardedRequests(t *testing.T) {
	app := fiber.New()
	app.Get("/books", func(c fiber.Ctx) error {
		if token, ok := fiberauth.Token(c); ok || token != nil {
			t.Error("a token without a guard")
		}
		return nil
	})
	if got := serve(t, app, request(t, "")); got.code != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

// Where an app keeps names of header fields as they were sent, every spelling counts.
func TestHeaderNamesAreFoundInAnyCase(t *testing.T) {
	g, good := fixture(t)
	for _, raw := range []bool{false, true} {
		app := fiber.New(fiber.Config{DisableHeaderNormalizing: raw})
		app.Get("/books", fiberauth.Protect(g), func(fiber.Ctx) error { return nil })
		for _, tt := range []struct {
			header http.Header
			want   int
		}{
			{http.Header{"Authorization": {"Bearer " + good}}, 200},
			{http.Header{"authorization": {"Bearer " + good}}, 200},
			{http.Header{"AUTHORIZATION": {"Bearer " + good}}, 200},
			{http.Header{"Authorization": {"Bearer " + good}, "authorization": {"Bearer " + good}}, 400},
			{http.Header{"aUTHORIZATION": {"Bearer " + good, "Basic eA=="}}, 400},
			{http.Header{"X-Authorization": {"Bearer " + good}}, 401},
		} {
			r := request(t, "")
			r.Header = tt.header
			if got := serve(t, app, r); got.code != tt.want {
				t.Errorf("names kept as sent: %t: %d, want %d for %d fields", raw, got.code, tt.want, len(tt.header))
			}
		}
	}
}

// Fiber answers HEAD by the route for GET; the guard is part of that route.
func TestHeadIsGuardedLikeGet(t *testing.T) {
	g, good := fixture(t)
	called := 0
	app := fiber.New()
	app.Get("/books", fiberauth.Protect(g), func(fiber.Ctx) error { called++; return nil })
	for token, want := range map[string]int{"": http.StatusUnauthorized, good: http.StatusOK} {
		r := request(t, token)
		r.Method = http.MethodHead
		if got := serve(t, app, r); got.code != want || got.body != "" {
			t.Errorf("with a token: %t: %+v, want %d", token != "", got, want)
		}
	}
	if called != 1 {
		t.Errorf("the handler was called %d times, want once", called)
	}
}
