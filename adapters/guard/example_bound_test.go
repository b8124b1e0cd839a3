package guard_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// exampleIssuer stands in for a real one: a verifier that trusts it, and a token with this cnf.
func exampleIssuer(cnf map[string]string) (*verifier.Verifier, string) {
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience("https://api.test"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}}, // no network
		Audiences: []string{"https://api.test"},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := issuer.Mint(devissuer.Claims{"sub": "grace", "cnf": cnf})
	if err != nil {
		log.Fatal(err)
	}
	return v, token
}

// exampleProof is what a client does for each request.
func exampleProof(key *ecdsa.PrivateKey, token, method, url string) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		log.Fatal(err)
	}
	hash := sha256.Sum256([]byte(token))
	payload, err := json.Marshal(map[string]any{
		"jti": rand.Text(), "htm": method, "htu": url, "iat": time.Now().Unix(),
		"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
	})
	if err != nil {
		log.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		log.Fatal(err)
	}
	proof, err := signed.CompactSerialize()
	if err != nil {
		log.Fatal(err)
	}
	return proof
}

// A stolen token is worth nothing without the key that it is bound to (RFC 9449).
func ExampleWithDPoP() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // of the client, which never leaves it
	if err != nil {
		log.Fatal(err)
	}
	thumbprint, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	v, token := exampleIssuer(map[string]string{"jkt": base64.RawURLEncoding.EncodeToString(thumbprint)})
	defer func() { _ = v.Close() }()
	g, err := guard.New(v, guard.WithDPoP(guard.DPoP{
		Replay: memory.NewReplay(),              // replicas share one, such as that of a sealed store
		Origin: "https://api.example.test:8443", // what callers see, whatever the proxy in front of the program calls it
	}))
	if err != nil {
		log.Fatal(err)
	}

	proof := exampleProof(key, token, "GET", "https://api.example.test:8443/books")
	for _, header := range []http.Header{
		{"Authorization": {"DPoP " + token}, "Dpop": {proof}},
		{"Authorization": {"DPoP " + token}, "Dpop": {proof}}, // again
		{"Authorization": {"Bearer " + token}},                // without the key
	} {
		d := g.Check(context.Background(), guard.Request{
			Method: "GET", Scheme: "http", Host: "10.0.0.7", Path: "/books", Header: header,
		})
		if d.Allowed() {
			fmt.Println(d.Status(), d.Token().Subject())
			continue
		}
		fmt.Println(d.Status(), d.Err())
	}
	// Output:
	// 200 grace
	// 401 verifier: dpop_replayed: the DPoP proof was used before
	// 401 verifier: binding: the access token is bound to a key that was not proved
}

// A proxy ends TLS and passes the client's certificate on (RFC 8705, RFC 9440).
func ExampleWithMTLS() {
	certificate := &x509.Certificate{Raw: []byte("DER of the client's certificate")}
	sum := sha256.Sum256(certificate.Raw)
	v, token := exampleIssuer(map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])})
	defer func() { _ = v.Close() }()
	g, err := guard.New(v, guard.WithMTLS(), guard.WithBoundTokens(), guard.WithTrustedProxies(guard.Proxies{
		Networks: []string{"10.0.0.0/8"}, Certificate: "Client-Cert",
	}))
	if err != nil {
		log.Fatal(err)
	}
	passedOn := ":" + base64.StdEncoding.EncodeToString(certificate.Raw) + ":"
	for _, r := range []guard.Request{
		{RemoteAddr: "192.0.2.1:50000", ClientCertificate: certificate},                       // straight to the program
		{RemoteAddr: "10.0.0.7:50000", Header: http.Header{"Client-Cert": {passedOn}}},        // through the proxy
		{RemoteAddr: "192.0.2.66:50000", Header: http.Header{"Client-Cert": {passedOn}}},      // by somebody's own word
		{RemoteAddr: "10.0.0.7:50000", ClientCertificate: certificate, Header: http.Header{}}, // the proxy's certificate
	} {
		header := http.Header{"Authorization": {"Bearer " + token}}
		if h, ok := r.Header.(http.Header); ok && len(h) > 0 {
			header["Client-Cert"] = h["Client-Cert"]
		}
		r.Method, r.Header = "GET", header
		fmt.Println(g.Check(context.Background(), r).Status())
	}
	// Output:
	// 200
	// 200
	// 401
	// 401
}

// Clients that know nothing but the API find its authorization server (RFC 9728).
func ExampleResourceMetadata() {
	v, _ := exampleIssuer(nil)
	defer func() { _ = v.Close() }()
	metadata := guard.ResourceMetadata{
		Resource:               "https://api.test/books",
		AuthorizationServers:   []string{"https://issuer.test"},
		ScopesSupported:        []string{"read:books"},
		BearerMethodsSupported: []string{"header"},
	}
	document, err := metadata.Handler()
	if err != nil {
		log.Fatal(err)
	}
	address, err := metadata.URL()
	if err != nil {
		log.Fatal(err)
	}
	g, err := guard.New(v, guard.WithResourceMetadata(address))
	if err != nil {
		log.Fatal(err)
	}
	refused := g.Check(context.Background(), guard.Request{Method: "GET"})
	fmt.Println(refused.Header().Get("WWW-Authenticate"))

	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-protected-resource/books", document)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, address, nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// Bearer realm="api", resource_metadata="https://api.test/.well-known/oauth-protected-resource/books"
	// 200 {"resource":"https://api.test/books","authorization_servers":["https://issuer.test"],"scopes_supported":["read:books"],"bearer_methods_supported":["header"]}
}
