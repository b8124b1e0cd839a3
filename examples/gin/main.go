package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/keychorus/keychorus/adapters/ginauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/examples/internal/tryout"
	"github.com/keychorus/keychorus/verifier"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gin:", err)
		os.Exit(1)
	}
}

// newAPI is the whole API: a guard on each route, with what the route requires.
func newAPI(g *guard.Guard) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.GET("/books", ginauth.Protect(g), func(c *gin.Context) {
		token, _ := ginauth.Token(c)
		c.JSON(http.StatusOK, gin.H{"reader": token.Subject(), "books": []string{"The Dispossessed"}})
	})
	router.POST("/books", ginauth.Protect(g, verifier.Scopes("write:books")), func(c *gin.Context) {
		c.Status(http.StatusCreated)
	})
	return router
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
