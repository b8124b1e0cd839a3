package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/keychorus/keychorus/adapters/echov4auth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/examples/internal/tryout"
	"github.com/keychorus/keychorus/verifier"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echov4:", err)
		os.Exit(1)
	}
}

// newAPI is the whole API: a guard on each route, with what the route requires.
func newAPI(g *guard.Guard) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover())
	e.GET("/books", func(c echo.Context) error {
		token, _ := echov4auth.Token(c)
		return c.JSON(http.StatusOK, map[string]any{"reader": token.Subject(), "books": []string{"The Dispossessed"}})
	}, echov4auth.Protect(g))
	e.POST("/books", func(c echo.Context) error {
		return c.NoContent(http.StatusCreated)
	}, echov4auth.Protect(g, verifier.Scopes("write:books")))
	return e
}

func run(ctx context.Context, out io.Writer) (err error) {
	issuer, err := tryout.NewIssuer()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, issuer.Close()) }()

	// In a program of yours the policy names your issuer: kinde.FromEnv, or a literal.
	v, err := verifier.New(issuer.Policy())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	g, err := guard.New(v, guard.WithRealm("books"))
	if err != nil {
		return err
	}

	listener, err := tryout.Listen()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newAPI(g), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	err = issuer.Call(ctx, out, tryout.URL(listener))
	err = errors.Join(err, server.Shutdown(ctx))
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
