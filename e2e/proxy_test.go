package e2e_test

import (
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// field returns a certificate as a proxy passes it on (RFC 9440 §2.1).
func field(c tls.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Certificate[0]) + ":"
}

// proxy ends TLS in front of an API: it passes on which host was called, and the certificate
// that it has seen. What callers say of themselves in these fields, it removes. It has a
// certificate of its own.
func proxy(a *api, ca *authority, own tls.Certificate) string {
	a.Helper()
	target, err := url.Parse(a.url)
	if err != nil {
		a.Fatal(err)
	}
	target.Path = ""
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: ca.client(own).Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Header.Del("Client-Cert")
			if peers := r.In.TLS.PeerCertificates; len(peers) > 0 {
				r.Out.Header.Set("Client-Cert", field(tls.Certificate{Certificate: [][]byte{peers[0].Raw}}))
			}
		},
	})
	front.TLS = &tls.Config{
		Certificates: []tls.Certificate{ca.issue("www.bookstore.example")}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12,
	}
	front.StartTLS()
	a.Cleanup(front.Close)
	return front.URL + "/books"
}

func TestBindingsThroughATrustedProxy(t *testing.T) {
	p, ca, a := bind(t, nil, "-mtls", "-dpop", "-proxies", "127.0.0.1")
	certificate, own := ca.issue(registered), ca.issue(registered)
	token, ofProxy := p.certificateToken(ca, certificate), p.certificateToken(ca, own)
	front := proxy(a, ca, own)
	via := func(c call) call {
		c.url = front
		return c
	}
	unbound := refused("binding", "Bearer invalid_token, DPoP invalid_token")

	a.want("with its certificate", via(with(ca.client(certificate), bearer(token))), accepted())
	a.want("without a certificate", via(bearer(token)), unbound)
	a.want("with another certificate", via(with(ca.client(ca.issue(registered)), bearer(token))), unbound)
	forged := bearer(token)
	forged.header = http.Header{"Client-Cert": {field(certificate)}}
	a.want("with a header of the caller's own", via(forged), unbound)
	a.want("with a header beside another certificate", via(with(ca.client(ca.issue(registered)), forged)), unbound)
	a.want("a token of the proxy itself, from a caller without certificate", via(bearer(ofProxy)), unbound)

	key := newProver(t, jose.ES256)
	keyed := p.bound(key, resource+"ES256", scopes)
	a.want("a proof for the proxy", via(proven(keyed, key.prove(http.MethodGet, front, keyed, nil))), accepted())
	a.want("a proof for what is behind it", via(proven(keyed, a.prove(key, keyed, nil))), badProof("dpop_url"))
}

// Here the same fields come from an address that is not the proxy's.
func TestProxyFieldsFromElsewhereAreNotBelieved(t *testing.T) {
	p, ca, a := bind(t, nil, "-mtls", "-dpop", "-proxies", "192.0.2.1,2001:db8::/32")
	certificate, own := ca.issue(registered), ca.issue(registered)
	token, ofCaller := p.certificateToken(ca, certificate), p.certificateToken(ca, own)
	unbound := refused("binding", "Bearer invalid_token, DPoP invalid_token")
	front := proxy(a, ca, own)

	forged := bearer(token)
	forged.header = http.Header{"Client-Cert": {field(certificate)}}
	a.want("a header alone", forged, unbound)
	a.want("a header beside another certificate", with(ca.client(own), forged), unbound)
	for _, by := range []string{"127.0.0.1", "192.0.2.1"} {
		named := forged
		named.header = http.Header{"Client-Cert": {field(certificate)}, "X-Forwarded-For": {by}, "Forwarded": {"for=" + by}}
		a.want("a header that names "+by+" as its source", named, unbound)
	}
	a.want("a proxy that nobody declared", call{client: ca.client(certificate), url: front, authorization: "Bearer " + token}, unbound)

	forged.authorization = "Bearer " + ofCaller
	a.want("the certificate of the connection, whatever the header says", with(ca.client(own), forged), accepted())

	key := newProver(t, jose.ES256)
	keyed := p.bound(key, resource+"ES256", scopes)
	elsewhere := proven(keyed, key.prove(http.MethodGet, "https://elsewhere.example/books", keyed, nil))
	elsewhere.header = http.Header{"X-Forwarded-Host": {"elsewhere.example"}}
	a.want("a proof for the host that the caller names", elsewhere, badProof("dpop_url"))
}
