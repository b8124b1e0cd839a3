package guard_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// prover is a client that holds a key (RFC 9449).
type prover struct {
	signer     jose.Signer
	thumbprint string
	proofs     int
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

type claims map[string]any

// prove returns a proof for GET https://api.test/books with this token, with claims replaced;
// nil removes one.
func (p *prover) prove(tb testing.TB, token string, changes claims) string {
	tb.Helper()
	p.proofs++
	sum := sha256.Sum256([]byte(token))
	c := claims{
		"jti": "proof-" + strconv.Itoa(p.proofs), "htm": "GET", "htu": "https://api.test/books", "iat": time.Now().Unix(),
		"ath": base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(c)
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

// token mints one that is bound to the key.
func (p *prover) token(tb testing.TB, issuer *devissuer.Issuer) string {
	tb.Helper()
	return mint(tb, issuer, devissuer.Claims{"cnf": map[string]string{"jkt": p.thumbprint}})
}

// proven is a GET request for https://api.test/books with these proofs.
func proven(authorization string, proofs ...string) guard.Request {
	return guard.Request{
		Method: http.MethodGet, Scheme: "https", Host: "api.test", Path: "/books", RemoteAddr: "192.0.2.1:50000",
		Header: http.Header{"Authorization": {authorization}, "Dpop": proofs},
	}
}

// spy is a Replay that remembers what it was asked, and may fail.
type spy struct {
	mu    sync.Mutex
	keys  []string
	ttls  []time.Duration
	err   error
	first bool // beside err, which is all that counts
	inner *memory.Replay
}

func newSpy() *spy { return &spy{inner: memory.NewReplay()} }

func (s *spy) Once(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.ttls = append(s.keys, key), append(s.ttls, ttl)
	if s.err != nil {
		return s.first, s.err
	}
	return s.inner.Once(ctx, key, ttl)
}

func (s *spy) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys)
}

// wantReason checks that a request is refused for this reason, or passes with "".
func wantReason(tb testing.TB, what string, d guard.Decision, want verifier.Reason) {
	tb.Helper()
	if got := reasonOf(tb, d); got != want {
		tb.Errorf("%s: reason %q, want %q", what, got, want)
	}
	if d.Allowed() != (d.Token() != nil) {
		tb.Errorf("%s: allowed without a token, or the reverse", what)
	}
}
