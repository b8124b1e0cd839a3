package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// secret is that of every client with one, in provider/provider.mjs.
const secret = "not-a-secret-not-a-secret-not-a-secret"

// caller is the client with a secret that calls APIs. It is the subject of its tokens.
const caller = "client-by-secret-d41f7c"

// provider is the OpenID provider.
type provider struct {
	*process
	Issuer     string   `json:"issuer"`
	Audience   string   `json:"audience"`
	Algorithms []string `json:"algorithms"`
}

// startProvider starts it; env is more of its environment.
func startProvider(t *testing.T, env ...string) *provider {
	t.Helper()
	if _, err := os.Stat("provider/node_modules/oidc-provider"); err != nil {
		t.Fatal("oidc-provider is not installed: run `make e2e`, or `npm ci` in e2e/provider")
	}
	p := &provider{process: start(t, "provider", env, "node", "provider.mjs")}
	if err := json.Unmarshal([]byte(p.line()), p); err != nil || len(p.Algorithms) == 0 {
		t.Fatalf("the provider introduced itself as %+v, %v", p, err)
	}
	return p
}

// do gives a command, waits until it is done, and returns how often the key set was fetched.
func (p *provider) do(command string) (fetches int) {
	p.Helper()
	if _, err := fmt.Fprintln(p.stdin, command); err != nil {
		p.Fatal(err)
	}
	var reply struct {
		Done    string `json:"done"`
		Fetches int    `json:"fetches"`
	}
	if line := p.line(); json.Unmarshal([]byte(line), &reply) != nil || reply.Done != command {
		p.Fatalf("the provider answered %q to %q", line, command)
	}
	return reply.Fetches
}

// metadata are parts of what discovery tells (RFC 8414 §2).
type metadata struct {
	Token         string `json:"token_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
	Aliases       struct {
		Token string `json:"token_endpoint"`
	} `json:"mtls_endpoint_aliases"` // RFC 8705 §5
}

func (p *provider) discover() (m metadata) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		p.Fatal(err)
	}
	if status, body := send(p.T, client, r); status != http.StatusOK || json.Unmarshal(body, &m) != nil {
		p.Fatalf("discovery: %d %s", status, body)
	}
	return m
}

// grant is the answer of a token endpoint (RFC 6749 §5).
type grant struct {
	Token string `json:"access_token"`
	Type  string `json:"token_type"`
	Error string `json:"error"`
}

// post sends a form, as a client with a secret if it is given a name.
func (p *provider) post(c *http.Client, endpoint, name string, form url.Values, proof string) (int, []byte) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if name != "" {
		r.SetBasicAuth(name, secret)
	}
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	return send(p.T, c, r)
}

// granted reads an answer that must hold a token of this type.
func (p *provider) granted(status int, body []byte, kind string) string {
	p.Helper()
	var g grant
	if err := json.Unmarshal(body, &g); err != nil || status != http.StatusOK || g.Token == "" || g.Type != kind {
		p.Fatalf("no %s token: %d %s", kind, status, body)
	}
	confide(p.T, g.Token)
	return g.Token
}

// form asks for a token by client credentials. Without a resource it is an opaque one.
func form(resource, scope string) url.Values {
	f := url.Values{"grant_type": {"client_credentials"}}
	if resource != "" {
		f.Set("resource", resource)
	}
	if scope != "" {
		f.Set("scope", scope)
	}
	return f
}

// token gets an unbound JWT.
func (p *provider) token(resource, scope string) string {
	p.Helper()
	status, body := p.post(client, p.Issuer+"/token", caller, form(resource, scope), "")
	token := p.granted(status, body, "Bearer")
	if strings.Count(token, ".") != 2 {
		p.Fatalf("not a JWT: %s", token)
	}
	return token
}

// bound gets a token that is bound to the key of the prover.
func (p *provider) bound(key *prover, resource, scope string) string {
	p.Helper()
	endpoint := p.Issuer + "/token"
	status, body := p.post(client, endpoint, caller, form(resource, scope), key.prove(http.MethodPost, endpoint, "", nil))
	return p.granted(status, body, "DPoP")
}
