package jws_test

import (
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/jws"
)

// RFC 8032 §5.1.7: S is below the order of the group, so that a signature has one form.
func TestEdDSASignaturesHaveOneForm(t *testing.T) {
	order, ok := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	if !ok {
		t.Fatal("the order is no number")
	}
	token := signRaw(`{"alg":"EdDSA"}`, "{}")
	parts := strings.Split(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	little := slices.Clone(signature[32:])
	slices.Reverse(little)
	s := new(big.Int).SetBytes(little)
	for n := range int64(3) { // S, S + L, S + 2 L: the same number to whoever does not look
		grown := new(big.Int).Add(s, new(big.Int).Mul(order, big.NewInt(n)))
		half := grown.FillBytes(make([]byte, 32))
		slices.Reverse(half)
		m, err := jws.Parse(parts[0]+"."+parts[1]+"."+b64(string(signature[:32])+string(half)), jws.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(public(t, jws.EdDSA)); (err == nil) != (n == 0) || n > 0 && !errors.Is(err, jws.ErrSignature) {
			t.Errorf("S + %d L: %v", n, err)
		}
	}
}

// Anybody can make (r, n-s) of an ECDSA signature (r, s), and it is as good: the mathematics
// cannot tell them apart. So nothing may be looked up by the bytes of a token.
func TestECDSASignaturesHaveATwin(t *testing.T) {
	for _, alg := range []jws.Algorithm{jws.ES256, jws.ES384, jws.ES512} {
		token := sign(t, alg, `{"a":1}`)
		parts := strings.Split(token, ".")
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		half := len(signature) / 2
		n := testKeys().ec[alg].Params().N
		twin := slices.Clone(signature)
		new(big.Int).Sub(n, new(big.Int).SetBytes(signature[half:])).FillBytes(twin[half:])
		m, err := jws.Parse(parts[0]+"."+parts[1]+"."+b64(string(twin)), jws.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(public(t, alg)); err != nil || slices.Equal(twin, signature) {
			t.Errorf("%s: the twin does not verify: %v", alg, err)
		}
	}
}
