package graphqlapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/keychorus/keychorus/examples/recipes/graphqlapi"
	"github.com/keychorus/keychorus/examples/recipes/try"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// whoami is a schema of one field, as gqlgen would generate it.
func whoami() graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { whoami: String! }`})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 1, true },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			token, ok := verifier.TokenFromContext(ctx)
			if !ok {
				return graphql.OneShot(graphql.ErrorResponse(ctx, "nobody"))
			}
			data, err := json.Marshal(map[string]string{"whoami": token.Subject()})
			if err != nil {
				return graphql.OneShot(graphql.ErrorResponse(ctx, "encode"))
			}
			return graphql.OneShot(&graphql.Response{Data: data})
		},
	}
}

const query = `{"query":"{ whoami }"}`

func TestHTTP(t *testing.T) {
	g, issuer := try.Guard(t)
	base := try.Serve(t, graphqlapi.New(g, whoami(), verifier.Scopes("graph")))
	ada := issuer.Token(verifiertest.Claims{"sub": "ada", "scp": "graph"})
	try.Calls(t, base, map[string]try.Call{
		"no token":      {Method: "POST", Path: "/query", Body: query, Status: 401, Challenge: "Bearer"},
		"without scope": {Method: "POST", Path: "/query", Body: query, Tokens: []string{issuer.Token()}, Status: 403, Challenge: `scope="graph"`},
		"good token":    {Method: "POST", Path: "/query", Body: query, Tokens: []string{ada}, Status: 200, Want: `"whoami":"ada"`},
	})
	// The socket's server has no other transport, so that the header opens nothing.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Upgrade", "x")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode < http.StatusBadRequest {
		t.Errorf("POST with Upgrade: status %d", resp.StatusCode)
	}
}

// message of the graphql-transport-ws protocol.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// open sends connection_init and returns the answer, or the text of the close frame.
func open(t *testing.T, base, payload string) (*websocket.Conn, message, websocket.CloseError) {
	t.Helper()
	c, resp, err := websocket.Dial(t.Context(), base, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	if err := wsjson.Write(t.Context(), c, message{Type: "connection_init", Payload: json.RawMessage(payload)}); err != nil {
		t.Fatal(err)
	}
	m, err := read(t, c)
	closed, _ := errors.AsType[websocket.CloseError](err)
	return c, m, closed
}

func read(t *testing.T, c *websocket.Conn) (m message, err error) {
	t.Helper()
	for err == nil && (m.Type == "" || m.Type == "ping" || m.Type == "pong") {
		err = wsjson.Read(t.Context(), c, &m)
	}
	return m, err
}

func TestConnectionInit(t *testing.T) {
	g, issuer := try.Guard(t)
	base := try.Serve(t, graphqlapi.New(g, whoami(), verifier.Scopes("graph")))
	ada := issuer.Token(verifiertest.Claims{"sub": "ada", "scp": "graph"})
	for what, test := range map[string]struct {
		payload string
		code    websocket.StatusCode
		want    string
	}{
		"good token":    {`{"Authorization":"Bearer ` + ada + `"}`, 0, "connection_ack"},
		"in lower case": {`{"authorization":"Bearer ` + ada + `"}`, 0, "connection_ack"},
		"no token":      {`{}`, 4401, "carries no access token"},
		"without scope": {`{"Authorization":"Bearer ` + issuer.Token() + `"}`, 4403, "lacks a required scope"},
		"two tokens":    {`{"Authorization":"Bearer ` + ada + `","authorization":"Bearer ` + ada + `"}`, 4400, "more than one credential"},
		"no string":     {`{"Authorization":["Bearer ` + ada + `"]}`, 4400, "header is malformed"},
		"placeholder":   {`{"Authorization":"Bearer undefined"}`, 4401, "placeholder"},
	} {
		c, m, closed := open(t, base, test.payload)
		if closed.Code != test.code || !strings.Contains(m.Type+closed.Reason, test.want) {
			t.Errorf("%s: %+v, %v, want %d with %s", what, m, closed, test.code, test.want)
		}
		if m.Type != "connection_ack" {
			continue
		}
		if err := wsjson.Write(t.Context(), c, message{ID: "1", Type: "subscribe", Payload: json.RawMessage(query)}); err != nil {
			t.Fatal(err)
		}
		if m, err := read(t, c); err != nil || !strings.Contains(string(m.Payload), `"whoami":"ada"`) {
			t.Errorf("%s: %s %s, %v", what, m.Type, m.Payload, err)
		}
	}
}

func TestSocketEndsWithItsToken(t *testing.T) {
	g, issuer := try.Guard(t)
	base := try.Serve(t, graphqlapi.New(g, whoami()))
	token := issuer.Token(verifiertest.Claims{"exp": devissuer.FromNow(2 * time.Second)})
	c, m, _ := open(t, base, `{"Authorization":"Bearer `+token+`"}`)
	if m.Type != "connection_ack" {
		t.Fatalf("%+v", m)
	}
	var err error
	var last message
	for err == nil {
		m, err = read(t, c)
		if err == nil {
			last = m
		}
	}
	if websocket.CloseStatus(err) == -1 {
		t.Errorf("%v after %+v, want a close frame", err, last)
	}
}
