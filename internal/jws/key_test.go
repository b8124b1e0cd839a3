package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/keychorus/keychorus/internal/jws"
)

func modulus(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.Add(n, big.NewInt(12345)) // odd, and with no fingerprint
}

// rocaModulus is a product of two numbers of the flawed generator's form, k·M + 65537^a mod M.
func rocaModulus() *big.Int {
	m := big.NewInt(1)
	for _, p := range []int64{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
		101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167} {
		m.Mul(m, big.NewInt(p))
	}
	factor := func(a int64) *big.Int {
		f := new(big.Int).Exp(big.NewInt(65537), big.NewInt(a), m)
		k := new(big.Int).Lsh(big.NewInt(1), uint(1025-m.BitLen()))
		return f.Add(f, k.Mul(k, m))
	}
	return new(big.Int).Mul(factor(123456), factor(654321))
}

func point(tb testing.TB, s string) ed25519.PublicKey {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestKeyPolicy(t *testing.T) {
	const order8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc"
	ec := testKeys().ec[jws.ES256].PublicKey
	offCurve := ec
	offCurve.Y = new(big.Int).Add(ec.Y, big.NewInt(1)) //nolint:staticcheck // no other way off the curve
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		key  crypto.PublicKey
		alg  jws.Algorithm
		want jws.Defect
	}{
		"RSA":                  {&testKeys().rsa.PublicKey, "", ""},
		"RSA 8192":             {&rsa.PublicKey{N: modulus(8192), E: 65537}, "", ""},
		"RSA large exponent":   {&rsa.PublicKey{N: modulus(2048), E: 1<<31 - 1}, "", ""},
		"RSA 1024":             {&rsa.PublicKey{N: modulus(1024), E: 65537}, "", jws.DefectSize},
		"RSA 2047":             {&rsa.PublicKey{N: modulus(2047), E: 65537}, "", jws.DefectSize},
		"RSA 8193":             {&rsa.PublicKey{N: modulus(8193), E: 65537}, "", jws.DefectSize},
		"RSA even modulus":     {&rsa.PublicKey{N: new(big.Int).Add(modulus(2048), big.NewInt(1)), E: 65537}, "", jws.DefectModulus},
		"RSA exponent 3":       {&rsa.PublicKey{N: modulus(2048), E: 3}, "", jws.DefectExponent},
		"RSA exponent 1":       {&rsa.PublicKey{N: modulus(2048), E: 1}, "", jws.DefectExponent},
		"RSA exponent even":    {&rsa.PublicKey{N: modulus(2048), E: 65538}, "", jws.DefectExponent},
		"RSA exponent 2^31+1":  {&rsa.PublicKey{N: modulus(2048), E: 1<<31 + 1}, "", jws.DefectExponent},
		"RSA ROCA":             {&rsa.PublicKey{N: rocaModulus(), E: 65537}, "", jws.DefectROCA},
		"RSA without modulus":  {&rsa.PublicKey{}, "", jws.DefectType},
		"RSA for ES256":        {&testKeys().rsa.PublicKey, jws.ES256, jws.DefectAlgorithm},
		"EC":                   {&ec, jws.ES256, ""},
		"EC for another curve": {&ec, jws.ES384, jws.DefectAlgorithm},
		"EC off the curve":     {&offCurve, "", jws.DefectPoint},
		"EC at zero":           {&ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int), Y: new(big.Int)}, "", jws.DefectPoint}, //nolint:staticcheck // no other way to this point
		"EC without point":     {&ecdsa.PublicKey{Curve: elliptic.P256()}, "", jws.DefectType},
		"EC P-224":             {&p224.PublicKey, "", jws.DefectCurve},
		"Ed25519":              {testKeys().ed.Public(), jws.Ed25519, ""},
		"Ed25519 too short":    {ed25519.PublicKey(make([]byte, 31)), "", jws.DefectSize},
		"Ed25519 at 0":         {point(t, "0000000000000000000000000000000000000000000000000000000000000000"), "", jws.DefectOrder},
		"Ed25519 at 1":         {point(t, "0100000000000000000000000000000000000000000000000000000000000000"), "", jws.DefectOrder},
		"Ed25519 at 1, signed": {point(t, "0100000000000000000000000000000000000000000000000000000000000080"), "", jws.DefectOrder},
		"Ed25519 at -1":        {point(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), "", jws.DefectOrder},
		"Ed25519 order 8":      {point(t, order8+"05"), "", jws.DefectOrder},
		"Ed25519 order 8, neg": {point(t, order8+"85"), "", jws.DefectOrder},
		"Ed25519 at p":         {point(t, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), "", jws.DefectPoint},
		"Ed25519 at p+1":       {point(t, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), "", jws.DefectPoint},
		"HMAC":                 {[]byte("secret"), "", jws.DefectType},
		"nothing":              {nil, "", jws.DefectType},
	} {
		k, err := jws.NewKey(tt.key, "kid", tt.alg, "thumb")
		if tt.want == "" {
			if err != nil || k.ID() != "kid" || k.Thumbprint() != "thumb" || k.Algorithm() != tt.alg {
				t.Errorf("%s: %v, %v", name, k, err)
			}
			continue
		}
		var ke *jws.KeyError
		if k != nil || !errors.As(err, &ke) || ke.Defect != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
