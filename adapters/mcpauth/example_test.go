package mcpauth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/mcpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func ExampleProtect() {
	// In a program of yours the policy names your issuer and its keys are fetched.
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience("https://api.test/mcp"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}},
		Audiences: []string{"https://api.test/mcp"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	about := guard.ResourceMetadata{Resource: "https://api.test/mcp", AuthorizationServers: []string{issuer.URL()}}
	url, err := about.URL()
	if err != nil {
		log.Fatal(err)
	}
	g, err := guard.New(v, guard.WithResourceMetadata(url))
	if err != nil {
		log.Fatal(err)
	}

	server := mcp.NewServer(&mcp.Implementation{Name: "books", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "add"},
		func(ctx context.Context, req *mcp.CallToolRequest, book struct{ Title string }) (*mcp.CallToolResult, any, error) {
			token, ok := mcpauth.Token(req.Extra.TokenInfo)
			if !ok {
				return nil, nil, verifier.ErrNoCredentials
			}
			if err := token.Require(ctx, verifier.Scopes("write:books")); err != nil {
				return nil, nil, err // tells the model why
			}
			text := token.Subject() + " added " + book.Title
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	api := httptest.NewServer(mcpauth.Protect(g)(handler))
	defer api.Close()

	resp, err := http.Post(api.URL, "application/json", nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, resp.Header.Get("WWW-Authenticate"))

	for _, scope := range []string{"read:books", "write:books"} {
		token, err := issuer.Mint(devissuer.Claims{"sub": "grace", "scp": scope})
		if err != nil {
			log.Fatal(err)
		}
		c := &carrier{}
		c.token.Store(token)
		session, err := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, nil).Connect(context.Background(),
			&mcp.StreamableClientTransport{Endpoint: api.URL, HTTPClient: &http.Client{Transport: c}, DisableStandaloneSSE: true}, nil)
		if err != nil {
			log.Fatal(err)
		}
		result, err := session.CallTool(context.Background(),
			&mcp.CallToolParams{Name: "add", Arguments: map[string]any{"Title": "Solaris"}})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Content[0].(*mcp.TextContent).Text)
		_ = session.Close()
	}
	// Output:
	// 401 Bearer realm="api", resource_metadata="https://api.test/.well-known/oauth-protected-resource/mcp"
	// verifier: scope: the access token lacks a required scope
	// grace added Solaris
}
