package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gofiber/fiber/v3"
	recovery "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/keychorus/keychorus/adapters/fiberauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/examples/internal/tryout"
	"github.com/keychorus/keychorus/verifier"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fiber:", err)
		os.Exit(1)
	}
}

// newAPI is the whole API: a guard on each route, with what the route requires.
func newAPI(g *guard.Guard) *fiber.App {
	app := fiber.New(fiber.Config{ReadBufferSize: 32 << 10}) // twice the largest token
	app.Use(recovery.New())
	app.Get("/books", fiberauth.Protect(g), func(c fiber.Ctx) error {
		token, _ := fiberauth.Token(c)
		return c.JSON(fiber.Map{"reader": token.Subject(), "books": []string{"The Dispossessed"}})
	})
	app.Post("/books", fiberauth.Protect(g, verifier.Scopes("write:books")), func(c fiber.Ctx) error {
		return c.SendStatus(fiber.StatusCreated)
	})
	return app
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
	app := newAPI(g)
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	err = issuer.Call(ctx, out, tryout.URL(listener))
	return errors.Join(err, app.ShutdownWithContext(ctx), <-ended)
}
