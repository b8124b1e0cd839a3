package e2e_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// registered is the name in the certificates of the client by certificate, which has no secret.
const registered = "client.bookstore.example"

// certified asks for a token as the client by certificate, over TLS (RFC 8705 §2.1).
func (p *provider) certified(c *http.Client) (status int, body []byte) {
	p.Helper()
	f := form(resource+"ES256", scopes)
	f.Set("client_id", "client-by-certificate-93ae05")
	return p.post(c, p.discover().Aliases.Token, "", f, "")
}

// certificateToken gets a token that is bound to a certificate.
func (p *provider) certificateToken(ca *authority, certificate tls.Certificate) string {
	p.Helper()
	status, body := p.certified(ca.client(certificate))
	return p.granted(status, body, "Bearer")
}

func with(c *http.Client, in call) call {
	in.client = c
	return in
}

func TestMTLSTokenNeedsItsCertificate(t *testing.T) {
	p, ca, a := bind(t, nil, "-mtls")
	certificate := ca.issue(registered)
	token := p.certificateToken(ca, certificate)
	unbound := refused("binding", "Bearer invalid_token")

	a.want("with its certificate", with(ca.client(certificate), bearer(token)), accepted())
	a.want("without a certificate", bearer(token), unbound)
	a.want("with another certificate of the same name", with(ca.client(ca.issue(registered)), bearer(token)), unbound)
	a.want("with a certificate of another authority", with(ca.client(newAuthority(t).issue(registered)), bearer(token)), unbound)
	a.want("with its certificate in a header", call{
		authorization: "Bearer " + token, header: http.Header{"Client-Cert": {field(certificate)}},
	}, unbound)
	a.want("altered, with its certificate", with(ca.client(certificate), bearer(altered(token))), refused("signature", "Bearer invalid_token"))
	a.want("its certificate without a token", with(ca.client(certificate), call{}), refused("", ""))

	plain := p.token(resource+"ES256", scopes)
	a.want("a plain token", bearer(plain), accepted())
	a.want("a plain token with any certificate", with(ca.client(certificate), bearer(plain)), accepted())
	startAPI(p, ca, nil).want("where no binding is known", with(ca.client(certificate), bearer(token)), unbound)
}

// The provider gives such tokens to nobody else.
func TestMTLSClientsAreKnownByTheirCertificate(t *testing.T) {
	ca := newAuthority(t)
	p := startProvider(t, quick, ca.environment())
	for what, c := range map[string]*http.Client{
		"no certificate":                        ca.client(),
		"a certificate of another name":         ca.client(ca.issue("other.bookstore.example")),
		"a certificate of an unknown authority": ca.client(newAuthority(t).issue(registered)),
	} {
		status, body := p.certified(c)
		var g grant
		if err := json.Unmarshal(body, &g); err != nil || status != http.StatusUnauthorized || g.Error != "invalid_client" || g.Token != "" {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
}

// An API may take both kinds. Each token still has the one way that it is bound for.
func TestKeyAndCertificateDoNotStandInForEachOther(t *testing.T) {
	p, ca, a := bind(t, nil, "-dpop", "-mtls")
	certificate, key := ca.issue(registered), newProver(t, jose.ES256)
	c := ca.client(certificate)
	byCertificate, byKey := p.certificateToken(ca, certificate), p.bound(key, resource+"ES256", scopes)
	const both = "Bearer invalid_token, DPoP invalid_token"

	a.want("bound to the certificate, with it", with(c, bearer(byCertificate)), accepted())
	a.want("bound to the certificate, with a proof", proven(byCertificate, a.prove(key, byCertificate, nil)), refused("binding", both))
	a.want("bound to the certificate, with it and a proof", with(c, proven(byCertificate, a.prove(key, byCertificate, nil))),
		refused("unbound", both))
	a.want("bound to the key, with a proof", proven(byKey, a.prove(key, byKey, nil)), accepted())
	a.want("bound to the key, with a proof and some certificate", with(c, proven(byKey, a.prove(key, byKey, nil))), accepted())
	a.want("bound to the key, with a certificate", with(c, bearer(byKey)), refused("binding", both))
	a.want("bound to the key, with a certificate and no proof", with(c, proven(byKey)), badProof("dpop_missing"))
}
