package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/mcpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		os.Exit(1)
	}
}

// newAPI is the whole server: the protocol at resource, for those with the scope mcp, and
// the document that tells where to get a token (RFC 9728).
func newAPI(v *verifier.Verifier, resource, issuer string) (http.Handler, error) {
	about := guard.ResourceMetadata{Resource: resource, AuthorizationServers: []string{issuer}, ScopesSupported: []string{"mcp", "write:books"}}
	address, err := about.URL()
	if err != nil {
		return nil, err
	}
	document, err := about.Handler()
	if err != nil {
		return nil, err
	}
	where, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	g, err := guard.New(v, guard.WithRealm("books"), guard.WithResourceMetadata(address))
	if err != nil {
		return nil, err
	}
	server := newServer()
	mux := http.NewServeMux()
	mux.Handle(where.Path, document)
	mux.Handle("/mcp", mcpauth.Protect(g, verifier.Scopes("mcp"))(
		mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)))
	return mux, nil
}

type book struct {
	Title string `json:"title"`
}

func newServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "books", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "add", Description: "adds a book"},
		func(ctx context.Context, req *mcp.CallToolRequest, b book) (*mcp.CallToolResult, any, error) {
			token, ok := mcpauth.Token(req.Extra.TokenInfo) // that of this call, not of the session
			if !ok {
				return nil, nil, verifier.ErrNoCredentials
			}
			if err := token.Require(ctx, verifier.Scopes("write:books")); err != nil {
				return nil, nil, err
			}
			text := token.Subject() + " added " + b.Title
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
	return server
}

func run(ctx context.Context, out io.Writer) (err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	resource := "http://" + listener.Addr().String() + "/mcp" // which clients name as the audience

	// In a program of yours the policy names your issuer, and its keys are fetched.
	issuer, err := devissuer.New("https://issuer.example", devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(resource))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	v, err := verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}}, Audiences: []string{resource},
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	api, err := newAPI(v, resource, issuer.URL())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	err = errors.Join(call(ctx, out, issuer, resource), server.Close())
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
