package adaptertest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/verifier/verifiertest"
)

var errStuck = errors.New("adaptertest: the store of proofs does not answer")

// prover is a client with a key (RFC 9449 §4).
type prover struct {
	signer     jose.Signer
	thumbprint string
}

func newProver(tb testing.TB) *prover {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		tb.Fatal(err)
	}
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return &prover{signer: signer, thumbprint: base64.RawURLEncoding.EncodeToString(sum)}
}

// token is one that is bound to the key.
func (p *prover) token(f *fixture, subject string) string {
	return f.issuer.Token(verifiertest.Claims{"sub": subject, "scp": []string{"read"}, "cnf": map[string]string{"jkt": p.thumbprint}})
}

// prove returns a new proof for a GET request of a path below the route.
func (p *prover) prove(tb testing.TB, token string, r *route, path string) string {
	tb.Helper()
	return p.proveFor(tb, token, r, r.url(path))
}

// proveFor returns a new proof for a GET request of the route under another URL.
func (p *prover) proveFor(tb testing.TB, token string, r *route, url string) string {
	tb.Helper()
	return p.proveWith(tb, token, map[string]any{"htm": r.method(http.MethodGet), "htu": url})
}

func (p *prover) proveWith(tb testing.TB, token string, claims map[string]any) string {
	tb.Helper()
	all := map[string]any{"jti": rand.Text(), "iat": time.Now().Unix(), "ath": hashOf(token)}
	maps.Copy(all, claims)
	payload, err := json.Marshal(all)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := p.signer.Sign(payload)
	if err != nil {
		tb.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return compact
}

// hashOf is ath (RFC 9449 §4.2) of a token and x5t#S256 (RFC 8705 §3.1) of a certificate.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
