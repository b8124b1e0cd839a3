package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// caller sends one token with every request, and notes the last refusal.
type caller struct{ token, refusal string }

// RoundTrip keeps what the go-sdk's client does not tell.
func (c *caller) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		c.refusal = fmt.Sprintf("%d %s", resp.StatusCode, strings.Join(resp.Header.Values("WWW-Authenticate"), ", "))
	}
	return resp, err
}

// call uses the tool as good and bad callers do.
func call(ctx context.Context, out io.Writer, issuer *devissuer.Issuer, resource string) error {
	wrong, calls := 0, []struct {
		name   string
		claims devissuer.Claims // nil: no token
		want   string           // part of what comes back
	}{
		{"no token", nil, "401 Bearer realm=\"books\", resource_metadata="},
		{"token has expired", devissuer.Claims{"scp": "mcp", "exp": devissuer.FromNow(-time.Hour)}, "invalid_token"},
		{"token for another server", devissuer.Claims{"scp": "mcp", "aud": "https://elsewhere.example/mcp"}, "invalid_token"},
		{"without the scope of the server", devissuer.Claims{"scp": "openid"}, `scope="mcp"`},
		{"without the scope of the tool", devissuer.Claims{"scp": "mcp"}, "lacks a required scope"},
		{"with both", devissuer.Claims{"sub": "ada", "scp": "mcp write:books"}, "ada added Solaris"},
	}
	for _, c := range calls {
		who := &caller{}
		if c.claims != nil {
			token, err := issuer.Mint(c.claims)
			if err != nil {
				return err
			}
			who.token = token
		}
		got := who.add(ctx, resource, "Solaris")
		mark := "✓"
		if !strings.Contains(got, c.want) {
			mark, wrong = "✗", wrong+1
		}
		_, _ = fmt.Fprintf(out, "%s %-31s  %s\n", mark, c.name, got)
	}
	_, _ = fmt.Fprintf(out, "%d of %d answers as expected.\n", len(calls)-wrong, len(calls))
	if wrong > 0 {
		return errors.New("an answer was not as expected")
	}
	return nil
}

// add returns what the tool says, or how the server refused.
func (c *caller) add(ctx context.Context, resource, title string) string {
	client := mcp.NewClient(&mcp.Implementation{Name: "reader", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: resource, HTTPClient: &http.Client{Transport: c}, DisableStandaloneSSE: true, MaxRetries: -1,
	}, nil)
	if err != nil {
		return c.refusal
	}
	defer func() { _ = session.Close() }()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: book{title}})
	if err != nil {
		return c.refusal
	}
	text, _ := result.Content[0].(*mcp.TextContent)
	return text.Text
}
