package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// algorithms in the order of the tables.
func algorithms() []devissuer.Algorithm {
	return []devissuer.Algorithm{devissuer.RS256, devissuer.PS256, devissuer.ES256, devissuer.ES384, devissuer.EdDSA}
}

// keys are made once; RSA keys take a while.
var keys = sync.OnceValue(func() map[devissuer.Algorithm]*devissuer.Key {
	all := map[devissuer.Algorithm]*devissuer.Key{}
	for _, alg := range algorithms() {
		k, err := devissuer.NewKey(alg, "")
		if err != nil {
			panic(err)
		}
		all[alg] = k
	}
	return all
})

func newScene(tb testing.TB, alg devissuer.Algorithm) *scene {
	tb.Helper()
	issuer, err := devissuer.New(issuerURL, devissuer.WithKeys(keys()[alg]), devissuer.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	return &scene{alg, issuer, &http.Client{Transport: issuer.RoundTripper()}}
}

// shape is a kind of token, of about so many bytes as a whole.
type shape struct {
	name   string
	bytes  int
	claims func() devissuer.Claims
}

// shapes are what Kinde sends: for an application by itself, which with an RSA signature is more
// than its name says; for a user; for a user with many permissions.
func shapes() []shape {
	return []shape{
		{"0.6 KB", 600, func() devissuer.Claims { return devissuer.MachineClaims("read:books") }},
		{"1.2 KB", 1200, func() devissuer.Claims { return devissuer.Claims{"org_code": "org_3f9a61c07d2"} }},
		{"4 KB", 4000, devissuer.UserClaims},
	}
}

// usual is the shape of most comparisons.
const usual = "1.2 KB"

// tokens mints different ones of a shape, which take turns as the requests of several clients do.
func (s *scene) tokens(tb testing.TB, name string, n int) []string {
	tb.Helper()
	for _, sh := range shapes() {
		if sh.name == name {
			all := make([]string, n)
			for i := range all {
				all[i] = s.fill(tb, sh.claims(), sh.bytes)
			}
			return all
		}
	}
	tb.Fatal("no such shape: " + name)
	return nil
}

func (s *scene) mint(tb testing.TB, c devissuer.Claims) string {
	tb.Helper()
	token, err := s.issuer.Mint(c)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// fill mints a token of size bytes, with as many permissions as it takes, unless it is larger
// anyway.
func (s *scene) fill(tb testing.TB, c devissuer.Claims, size int) string {
	tb.Helper()
	room := func() int { return (size - len(s.mint(tb, c))) * 3 / 4 } // of payload
	var permissions []string
	for left := room() - len(`,"permissions":[]`); left > 60; left -= len(permissions[len(permissions)-1]) + 3 {
		permissions = append(permissions, fmt.Sprintf("read:shelf-%03d", len(permissions)))
	}
	if len(permissions) > 0 {
		c["permissions"] = permissions
	}
	if left := room() - len(`,"org_name":""`); left > 0 {
		c["org_name"] = strings.Repeat("x", left)
	}
	return s.mint(tb, c)
}

// checkBare is what the standard library needs for a signature alone: everything that can be
// decoded before is.
func checkBare(tb testing.TB, s *scene, tokens []string) func(i int) error {
	tb.Helper()
	type decoded struct {
		input     []byte
		signature []byte
	}
	all := make([]decoded, len(tokens))
	for i, token := range tokens {
		dot := strings.LastIndexByte(token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
		if err != nil {
			tb.Fatal(err)
		}
		if strings.HasPrefix(string(s.alg), "ES") {
			signature = inDER(tb, signature)
		}
		all[i] = decoded{[]byte(token[:dot]), signature}
	}
	check := bareCheck(tb, s)
	return func(i int) error {
		d := &all[i%len(all)]
		return check(d.input, d.signature)
	}
}

func inDER(tb testing.TB, signature []byte) []byte {
	tb.Helper()
	half := len(signature) / 2
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

var errBare = errors.New("the signature does not hold")

func bareCheck(tb testing.TB, s *scene) func(input, signature []byte) error {
	tb.Helper()
	switch public := s.issuer.Key().Public().(type) {
	case *rsa.PublicKey:
		if s.alg == devissuer.PS256 {
			opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return func(input, signature []byte) error {
				digest := sha256.Sum256(input)
				return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, opts)
			}
		}
		return func(input, signature []byte) error {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
		}
	case *ecdsa.PublicKey:
		if s.alg == devissuer.ES384 {
			return held(func(input, signature []byte) bool {
				digest := sha512.Sum384(input)
				return ecdsa.VerifyASN1(public, digest[:], signature)
			})
		}
		return held(func(input, signature []byte) bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(public, digest[:], signature)
		})
	case ed25519.PublicKey:
		return held(func(input, signature []byte) bool { return ed25519.Verify(public, input, signature) })
	default:
		tb.Fatalf("no check for %T", public)
		return nil
	}
}

func held(check func(input, signature []byte) bool) func(input, signature []byte) error {
	return func(input, signature []byte) error {
		if !check(input, signature) {
			return errBare
		}
		return nil
	}
}
