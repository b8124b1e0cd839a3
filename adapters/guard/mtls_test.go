package guard_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// Only the bytes of a certificate count here; whether it is one is the TLS server's business.
var (
	clientDER = []byte("\xfb\xff\xfe: the DER of a client's certificate +/?")
	otherDER  = []byte("the DER of another's certificate +/?")
)

func certificate(der []byte) *x509.Certificate { return &x509.Certificate{Raw: der} }

func thumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestMTLS(t *testing.T) {
	issuer := newIssuer(t)
	g, err := guard.New(newVerifier(t, issuer), guard.WithMTLS(), guard.WithDPoP(guard.DPoP{}))
	if err != nil {
		t.Fatal(err)
	}
	p := newProver(t)
	bound := func(cnf map[string]string) string { return mint(t, issuer, devissuer.Claims{"cnf": cnf}) }
	good := bound(map[string]string{"x5t#S256": thumbprint(clientDER)})
	both := bound(map[string]string{"x5t#S256": thumbprint(clientDER), "jkt": p.thumbprint})
	hex := bound(map[string]string{"x5t#S256": "00ff"})
	padded := bound(map[string]string{"x5t#S256": thumbprint(clientDER) + "="})
	strict, err := g.With(guard.WithBoundTokens())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		guard   *guard.Guard
		request guard.Request
		cert    *x509.Certificate
		want    verifier.Reason
	}{
		{"good", g, proven("Bearer " + good), certificate(clientDER), ""},
		{"no certificate", g, proven("Bearer " + good), nil, verifier.ReasonBinding},
		{"empty certificate", g, proven("Bearer " + good), certificate(nil), verifier.ReasonBinding},
		{"another's", g, proven("Bearer " + good), certificate(otherDER), verifier.ReasonBinding},
		{"hex", g, proven("Bearer " + hex), certificate(clientDER), verifier.ReasonBinding},
		{"padded", g, proven("Bearer " + padded), certificate(clientDER), verifier.ReasonBinding},
		{"unbound", g, proven("Bearer " + mint(t, issuer, nil)), nil, ""},
		{"unbound with certificate", g, proven("Bearer " + mint(t, issuer, nil)), certificate(clientDER), ""},
		{"certificate's token as DPoP", g, proven("DPoP "+good, p.prove(t, good, nil)), certificate(clientDER), verifier.ReasonUnbound},
		{"both", g, proven("DPoP "+both, p.prove(t, both, nil)), certificate(clientDER), ""},
		{"both, certificate alone", g, proven("Bearer " + both), certificate(clientDER), verifier.ReasonBinding},
		{"both, key alone", g, proven("DPoP "+both, p.prove(t, both, nil)), nil, verifier.ReasonBinding},
		{"from a header nobody named", g, withHeader(proven("Bearer "+good), "Client-Cert", rfc9440(clientDER)), nil, verifier.ReasonBinding},

		{"strict, good", strict, proven("Bearer " + good), certificate(clientDER), ""},
		{"strict, by key", strict, proven("DPoP "+both, p.prove(t, both, nil)), certificate(clientDER), ""},
		{"strict, unbound", strict, proven("Bearer " + mint(t, issuer, nil)), certificate(clientDER), verifier.ReasonUnbound},
		{"strict, none", strict, authorized(), nil, verifier.ReasonNoCredentials},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.request.ClientCertificate = tt.cert
			wantReason(t, tt.name, tt.guard.Check(t.Context(), tt.request), tt.want)
		})
	}
	plain, _ := guard.New(newVerifier(t, issuer))
	r := proven("Bearer " + good)
	r.ClientCertificate = certificate(clientDER)
	wantReason(t, "guard without WithMTLS", plain.Check(t.Context(), r), verifier.ReasonBinding)
	if _, err := plain.With(guard.WithBoundTokens()); !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), "WithBoundTokens") {
		t.Errorf("WithBoundTokens alone: error %v", err)
	}
}

func withHeader(r guard.Request, name string, values ...string) guard.Request {
	h, _ := r.Header.(http.Header)
	h = h.Clone()
	h[http.CanonicalHeaderKey(name)] = values
	r.Header = h
	return r
}

func rfc9440(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }

func escapedPEM(der []byte) string {
	return url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func TestCertificateOfAProxy(t *testing.T) {
	issuer := newIssuer(t)
	g, err := guard.New(newVerifier(t, issuer), guard.WithMTLS(),
		guard.WithTrustedProxies(guard.Proxies{Networks: []string{"10.0.0.0/8"}, Certificate: "client-cert"}))
	if err != nil {
		t.Fatal(err)
	}
	good := "Bearer " + mint(t, issuer, devissuer.Claims{"cnf": map[string]string{"x5t#S256": thumbprint(clientDER)}})
	proxys := "Bearer " + mint(t, issuer, devissuer.Claims{"cnf": map[string]string{"x5t#S256": thumbprint(otherDER)}})
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: clientDER}))
	for _, tt := range []struct {
		name, remote, authorization string
		values                      []string
		want                        verifier.Reason
	}{
		{"RFC 9440", "10.1.2.3:443", good, []string{rfc9440(clientDER)}, ""},
		{"PEM", "10.1.2.3:443", good, []string{escapedPEM(clientDER)}, ""},
		{"PEM, partly escaped", "10.1.2.3", good, []string{strings.ReplaceAll(escapedPEM(clientDER), "%2B", "+")}, ""},
		{"another's", "10.1.2.3:443", good, []string{rfc9440(otherDER)}, verifier.ReasonBinding},
		{"none", "10.1.2.3:443", good, nil, verifier.ReasonBinding},
		{"the proxy's own", "10.1.2.3:443", proxys, nil, verifier.ReasonBinding},
		{"two", "10.1.2.3:443", good, []string{rfc9440(clientDER), rfc9440(clientDER)}, verifier.ReasonBinding},
		{"not a proxy", "192.0.2.1:443", good, []string{rfc9440(clientDER)}, verifier.ReasonBinding},
		{"not a proxy, its own", "192.0.2.1:443", proxys, []string{rfc9440(clientDER)}, ""},
		{"no address", "@", good, []string{rfc9440(clientDER)}, verifier.ReasonBinding},
		{"empty", "10.1.2.3:443", good, []string{""}, verifier.ReasonBinding},
		{"colons alone", "10.1.2.3:443", good, []string{"::"}, verifier.ReasonBinding},
		{"one colon", "10.1.2.3:443", good, []string{":"}, verifier.ReasonBinding},
		{"not closed", "10.1.2.3:443", good, []string{strings.TrimSuffix(rfc9440(clientDER), ":")}, verifier.ReasonBinding},
		{"list", "10.1.2.3:443", good, []string{rfc9440(clientDER) + "," + rfc9440(clientDER)}, verifier.ReasonBinding},
		{"base64url", "10.1.2.3:443", good, []string{":" + base64.URLEncoding.EncodeToString(clientDER) + ":"}, verifier.ReasonBinding},
		{"private key", "10.1.2.3:443", good, []string{url.PathEscape(key)}, verifier.ReasonBinding},
		{"two in one PEM", "10.1.2.3:443", good, []string{escapedPEM(clientDER) + escapedPEM(otherDER)}, verifier.ReasonBinding},
		{"text before", "10.1.2.3:443", good, []string{"x%0A" + escapedPEM(clientDER)}, verifier.ReasonBinding},
		{"broken escape", "10.1.2.3:443", good, []string{escapedPEM(clientDER) + "%"}, verifier.ReasonBinding},
		{"large", "10.1.2.3:443", good, []string{rfc9440(make([]byte, 16<<10))}, verifier.ReasonBinding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := withHeader(proven(tt.authorization), "Client-Cert", tt.values...)
			r.RemoteAddr, r.ClientCertificate = tt.remote, certificate(otherDER)
			wantReason(t, tt.name, g.Check(t.Context(), r), tt.want)
		})
	}
}
