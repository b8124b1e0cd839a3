package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// opaque gets a token that says nothing by itself.
func (p *provider) opaque(name, resource string) string {
	p.Helper()
	status, body := p.post(client, p.Issuer+"/token", name, form(resource, ""), "")
	token := p.granted(status, body, "Bearer")
	if strings.Contains(token, ".") {
		p.Fatalf("not opaque: %s", token)
	}
	return token
}

// revoke tells the provider that a token is over (RFC 7009).
func (p *provider) revoke(token string) {
	p.Helper()
	if status, body := p.post(client, p.discover().Revocation, caller, url.Values{"token": {token}}, ""); status != http.StatusOK {
		p.Fatalf("revocation: %d %s", status, body)
	}
}

// Tokens that are no JWTs are judged by what the provider says about them (RFC 7662).
func TestOpaqueTokens(t *testing.T) {
	ca := newAuthority(t)
	p := startProvider(t, quick)
	asking := []string{"-dpop", "-client", "api", "-introspection", p.discover().Introspection}
	a := startAPI(p, ca, []string{"BOUNDAPI_INTROSPECTION_SECRET=" + secret}, asking...)
	invalid := func(reason string) verdict { return refused(reason, "Bearer invalid_token") }

	token, other := p.opaque(caller, ""), p.opaque(caller, "")
	a.want("a token", bearer(token), accepted())
	a.want("another", bearer(other), accepted())
	p.revoke(token)
	a.want("the first, revoked", bearer(token), invalid("inactive"))
	a.want("the other, still good", bearer(other), accepted())
	a.want("a token that nobody issued", bearer(strings.Repeat("x", len(token))), invalid("inactive"))
	a.want("a token for somebody else", bearer(p.opaque(caller, "urn:stranger:opaque")), invalid("audience"))
	a.want("a token for nobody in particular", bearer(p.opaque("api", "")), invalid("no_audience"))
	a.want("writing without the scope", call{method: http.MethodPost, authorization: "Bearer " + other},
		verdict{http.StatusForbidden, "scope", "Bearer insufficient_scope"})
	jwt := p.token(resource+"ES256", scopes)
	a.want("a JWT beside them", bearer(jwt), accepted())

	key := newProver(t, jose.ES256)
	bound := p.bound(key, "", "")
	a.want("a bound token with a proof", proven(bound, a.prove(key, bound, nil)), accepted())
	a.want("a bound token with another key", proven(bound, a.prove(newProver(t, jose.ES256), bound, nil)),
		refused("binding", "Bearer invalid_token, DPoP invalid_token"))
	a.want("a bound token as Bearer", bearer(bound), refused("binding", "Bearer invalid_token, DPoP invalid_token"))

	// A fault of this API is never told as a fault of the token.
	unknown := startAPI(p, ca, []string{"BOUNDAPI_INTROSPECTION_SECRET=a wrong one"}, asking...)
	unknown.want("an API that the provider does not know", bearer(other), unavailable("introspection_unavailable"))
	startAPI(p, ca, nil).want("an API that asks nobody", bearer(other), invalid("opaque"))
	p.kill()
	a.want("a token while the provider is down", bearer(other), unavailable("introspection_unavailable"))
	a.want("a revoked token while the provider is down", bearer(token), unavailable("introspection_unavailable"))
	a.want("a JWT while the provider is down", bearer(jwt), accepted())
}
