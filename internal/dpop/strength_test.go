package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"slices"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/internal/dpop"
)

// signed makes a proof with any key.
func signed(tb testing.TB, alg string, public any, by func(digest []byte) []byte) string {
	tb.Helper()
	raw, err := jose.JSONWebKey{Key: public}.MarshalJSON()
	if err != nil {
		tb.Fatal(err)
	}
	header, err := json.Marshal(with(goodHeader(), object{"alg": alg, "jwk": json.RawMessage(raw)}))
	if err != nil {
		tb.Fatal(err)
	}
	claims, err := json.Marshal(goodClaims())
	if err != nil {
		tb.Fatal(err)
	}
	input := b64(header) + "." + b64(claims)
	digest := sha256.Sum256([]byte(input))
	return input + "." + b64(by(digest[:]))
}

// Keys of clients pass the rules for keys of issuers (RFC 7518 §3.3).
func TestWeakKeysProveNothing(t *testing.T) {
	for bits, want := range map[int]dpop.Code{1024: dpop.Key, 2048: 0} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		proof := signed(t, "RS256", &key.PublicKey, func(digest []byte) []byte {
			signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
			if err != nil {
				t.Fatal(err)
			}
			return signature
		})
		p, err := dpop.Verify(proof, expected())
		if got := codeOf(t, p, err); got != want {
			t.Errorf("RSA of %d bits: code %d (%v), want %d", bits, got, err, want)
		}
	}
}

// The twin (r, n-s) of a proof's signature is as good, and is the same use: what is remembered
// are the key and jti, not the bytes.
func TestTwinOfAProofIsTheSameUse(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	proof := signed(t, "ES256", &key.PublicKey, func(digest []byte) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			t.Fatal(err)
		}
		first = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		return first
	})
	second := slices.Clone(first)
	new(big.Int).Sub(key.Params().N, new(big.Int).SetBytes(first[32:])).FillBytes(second[32:])
	twin := proof[:len(proof)-len(b64(first))] + b64(second)
	one, err := dpop.Verify(proof, expected())
	if err != nil {
		t.Fatal(err)
	}
	other, err := dpop.Verify(twin, expected())
	if err != nil || proof == twin || one.ID != other.ID || one.Thumbprint != other.Thumbprint {
		t.Errorf("%+v and %+v, %v", one, other, err)
	}
}
