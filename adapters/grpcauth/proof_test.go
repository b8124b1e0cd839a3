package grpcauth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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

// prove returns the metadata of a call with a new proof.
func (p *prover) prove(t *testing.T, method, url, nonce string) []string {
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
	return []string{"authorization", "DPoP " + p.token, "dpop", input + "." + signature}
}

// A call is a POST to its method at the authority that the client named.
func TestProof(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	address := serve(t, greeter, interceptors(newGuard(t, issuer, guard.WithDPoP(guard.DPoP{})))...)
	conn, p := dial(t, address), newProver(t, issuer)
	for _, method := range methods {
		good := p.prove(t, http.MethodPost, "http://"+address+method, "")
		for what, test := range map[string]struct {
			kv     []string
			reason verifier.Reason
		}{
			"another method of HTTP": {p.prove(t, http.MethodGet, "http://"+address+method, ""), verifier.ReasonProofMethod},
			"another call":           {p.prove(t, http.MethodPost, "http://"+address+method+"s", ""), verifier.ReasonProofURL},
			"another host":           {p.prove(t, http.MethodPost, "http://api.evil.test"+method, ""), verifier.ReasonProofURL},
			"two proofs":             {append(slices.Clone(good), "dpop", "x"), verifier.ReasonProofMalformed},
			"no proof":               {good[:2], verifier.ReasonProofMissing},
		} {
			got := call(t.Context(), conn, method, test.kv...)
			if status.Code(got.err) != codes.Unauthenticated || got.reason(t) != upper(test.reason) || len(got.header.Get("www-authenticate")) != 2 {
				t.Errorf("%s: %v, %v", what, got.err, got.header)
			}
		}
		if got := call(t.Context(), conn, method, good...); got.err != nil || got.reply != "ada" {
			t.Errorf("good proof: %v", got.err)
		}
		if got := call(t.Context(), conn, method, good...); status.Code(got.err) != codes.Unauthenticated || got.reason(t) != upper(verifier.ReasonProofReplayed) {
			t.Errorf("the same proof: %v", got.err)
		}
	}
}

func TestNonceComesWithTheRefusal(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer, guard.WithDPoP(guard.DPoP{NonceSecret: make([]byte, 32)}))
	address := serve(t, greeter, interceptors(g)...)
	conn, p := dial(t, address), newProver(t, issuer)
	for _, method := range methods {
		got := call(t.Context(), conn, method, p.prove(t, http.MethodPost, "http://"+address+method, "")...)
		nonces := got.header.Get("dpop-nonce")
		if status.Code(got.err) != codes.Unauthenticated || got.reason(t) != upper(verifier.ReasonProofNonce) || len(nonces) != 1 {
			t.Fatalf("%v with %v", got.err, got.header)
		}
		got = call(t.Context(), conn, method, p.prove(t, http.MethodPost, "http://"+address+method, nonces[0])...)
		if got.err != nil || got.reply != "ada" {
			t.Errorf("%v", got.err)
		}
	}
}

// upper is a reason as it goes over the wire.
func upper(r verifier.Reason) string { return strings.ToUpper(string(r)) }
