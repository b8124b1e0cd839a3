package mcpauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/keychorus/keychorus/adapters/mcpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

type nothing struct{}

// carrier sends a token, which may change, with every request, and notes the session.
type carrier struct{ token, session atomic.Value }

func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+c.token.Load().(string))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && resp.Header.Get("Mcp-Session-Id") != "" {
		c.session.Store(resp.Header.Get("Mcp-Session-Id"))
	}
	return resp, err
}

// serveMCP serves one tool, which tells whose call it is: first by the TokenInfo, then by
// the context.
func serveMCP(t *testing.T, v *verifier.Verifier) *httptest.Server {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami"},
		func(ctx context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			call, ok := mcpauth.Token(req.Extra.TokenInfo)
			session, found := verifier.TokenFromContext(ctx)
			if !ok || !found {
				t.Errorf("token %t, in the context %t", ok, found)
				return nil, nil, verifier.ErrNoCredentials
			}
			text := call.ID() + " in the session of " + session.ID()
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	front := httptest.NewServer(mcpauth.Protect(newGuard(t, v))(handler))
	t.Cleanup(front.Close)
	return front
}

// connect opens a session.
func connect(t *testing.T, endpoint, token string) (*mcp.ClientSession, *carrier) {
	t.Helper()
	c := &carrier{}
	c.token.Store(token)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: endpoint, HTTPClient: &http.Client{Transport: c}, DisableStandaloneSSE: true, MaxRetries: -1,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session, c
}

func TestToolSeesTheTokenOfItsCall(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	session, c := connect(t, serveMCP(t, issuer.Verifier()).URL, issuer.Token(verifiertest.Claims{"jti": "first"}))
	c.token.Store(issuer.Token(verifiertest.Claims{"jti": "refreshed"}))
	got, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		t.Fatal(err)
	}
	const want = "refreshed in the session of first"
	if text, ok := got.Content[0].(*mcp.TextContent); !ok || text.Text != want {
		t.Errorf("%+v, want %s", got.Content[0], want)
	}
}

func TestSessionIsOneUsers(t *testing.T) {
	one, two := verifiertest.NewIssuer(t, verifiertest.WithURL("https://one.test")), verifiertest.NewIssuer(t, verifiertest.WithURL("https://two.test"))
	policy := one.Policy()
	policy.Issuers = append(policy.Issuers, two.Policy().Issuers...)
	v, err := verifier.New(policy)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	server := serveMCP(t, v)
	_, c := connect(t, server.URL, one.Token(verifiertest.Claims{"sub": "ada"}))

	for what, test := range map[string]struct {
		token  string
		status int
	}{
		"the same user, a new token": {one.Token(verifiertest.Claims{"sub": "ada"}), http.StatusOK},
		"another user":               {one.Token(verifiertest.Claims{"sub": "bob"}), http.StatusForbidden},
		"another issuer's ada":       {two.Token(verifiertest.Claims{"sub": "ada"}), http.StatusForbidden},
		"no token":                   {"undefined", http.StatusUnauthorized},
	} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL,
			strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"ping"}`))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+test.token)
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Accept", "application/json, text/event-stream")
		q.Header.Set("Mcp-Session-Id", c.session.Load().(string))
		resp, err := server.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", what, resp.StatusCode, test.status)
		}
	}
}
