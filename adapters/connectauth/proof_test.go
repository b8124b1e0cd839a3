package connectauth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/keychorus/keychorus/adapters/connectauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// prover is a client with a key (RFC 9449 §4).
type prover struct {
	key   ed25519.PrivateKey
	jwk   map[string]string
	token string // bound to the key
}

func newProver(t *testing.T, issuer *verifiertest.Issuer) *prover {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]string{"crv": "Ed25519", "kty": "OKP", "x": base64.RawURLEncoding.EncodeToString(public)}
	thumbprint := sha256.Sum256(encode(t, jwk)) // sorted names, no spaces (RFC 7638 §3)
	token := issuer.Token(verifiertest.Claims{
		"sub": "ada", "cnf": map[string]string{"jkt": base64.RawURLEncoding.EncodeToString(thumbprint[:])},
	})
	return &prover{private, jwk, token}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// prove returns the header of a call with a new proof.
func (p *prover) prove(t *testing.T, method, url, nonce string) http.Header {
	t.Helper()
	ath := sha256.Sum256([]byte(p.token))
	claims := map[string]any{
		"jti": rand.Text(), "htm": method, "htu": url, "iat": time.Now().Unix(), "ath": base64.RawURLEncoding.EncodeToString(ath[:]),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	header := encode(t, map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": p.jwk})
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(encode(t, claims))
	signature := base64.RawURLEncoding.EncodeToString(ed25519.Sign(p.key, []byte(input)))
	return http.Header{"Authorization": {"DPoP " + p.token}, "Dpop": {input + "." + signature}}
}

// A call is a POST, or a GET, to its procedure at the host that the client named.
func TestProof(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	base, hc := serve(t, greet, connectauth.Protect(newGuard(t, issuer, guard.WithDPoP(guard.DPoP{}))))
	p := newProver(t, issuer)
	for protocol, test := range map[string]struct {
		option connecthttp.Option
		spec   connect.Spec
		method string
	}{
		"connect": {connecthttp.WithProtoJSON(), unary, http.MethodPost}, "a stream": {connecthttp.WithProtoJSON(), stream, http.MethodPost},
		"GET": {connecthttp.WithHTTPGet(), unary, http.MethodGet}, "grpc": {connecthttp.WithGRPC(), stream, http.MethodPost},
	} {
		client := connect.NewClient(connecthttp.NewTransport(hc, base, test.option))
		url := base + test.spec.Procedure
		good := p.prove(t, test.method, url, "")
		two := good.Clone()
		two["Dpop"] = append(two["Dpop"], "x")
		for what, bad := range map[string]struct {
			header http.Header
			reason verifier.Reason
		}{
			"another method of HTTP": {p.prove(t, "PUT", url, ""), verifier.ReasonProofMethod},
			"another call":           {p.prove(t, test.method, url+"s", ""), verifier.ReasonProofURL},
			"another host":           {p.prove(t, test.method, "http://api.evil.test"+test.spec.Procedure, ""), verifier.ReasonProofURL},
			"two proofs":             {two, verifier.ReasonProofMalformed},
			"no proof":               {http.Header{"Authorization": good["Authorization"]}, verifier.ReasonProofMissing},
		} {
			got := call(t.Context(), client, test.spec, bad.header)
			if got.err == nil || got.err.Code() != connect.CodeUnauthenticated || got.reason() != upper(bad.reason) || len(got.fields("WWW-Authenticate")) != 2 {
				t.Errorf("%s, %s: %v", protocol, what, got.err)
			}
		}
		if got := call(t.Context(), client, test.spec, good); got.err != nil || got.reply != "ada" {
			t.Errorf("%s, good proof: %v", protocol, got.err)
		}
		if got := call(t.Context(), client, test.spec, good); got.err == nil || got.reason() != upper(verifier.ReasonProofReplayed) {
			t.Errorf("%s, the same proof: %v", protocol, got.err)
		}
	}
}

func TestNonceComesWithTheRefusal(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer, guard.WithDPoP(guard.DPoP{NonceSecret: []byte(strings.Repeat("s", 32))}))
	base, hc := serve(t, greet, connectauth.Protect(g))
	p, client := newProver(t, issuer), connect.NewClient(connecthttp.NewTransport(hc, base))
	for _, spec := range specs {
		got := call(t.Context(), client, spec, p.prove(t, http.MethodPost, base+spec.Procedure, ""))
		nonces := got.fields("DPoP-Nonce")
		if got.err == nil || got.reason() != upper(verifier.ReasonProofNonce) || len(nonces) != 1 {
			t.Fatalf("%v with %q", got.err, nonces)
		}
		if got := call(t.Context(), client, spec, p.prove(t, http.MethodPost, base+spec.Procedure, nonces[0])); got.err != nil || got.reply != "ada" {
			t.Errorf("%v", got.err)
		}
	}
}

// upper is a reason as it goes over the wire.
func upper(r verifier.Reason) string { return strings.ToUpper(string(r)) }
