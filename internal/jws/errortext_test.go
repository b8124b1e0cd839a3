package jws

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// Every code has a text of its own, which is fixed, and a refusal of its own.
func TestCodesHaveTextsOfTheirOwn(t *testing.T) {
	seen := map[string]Code{new(Error).Error(): 0}
	for _, c := range Codes() {
		err := refuse(c)
		var e *Error
		if !errors.As(err, &e) || e.Code != c {
			t.Errorf("code %d is refused as %v", c, err)
			continue
		}
		text := err.Error()
		if other, ok := seen[text]; ok || !strings.HasPrefix(text, "jws: ") {
			t.Errorf("codes %d and %d say %q", c, other, text)
		}
		seen[text] = c
	}
	if n := len(Codes()); n != int(KeyUnfit) || Codes()[0] != TooLarge || Codes()[n-1] != KeyUnfit {
		t.Errorf("codes %v", Codes())
	}
}

// The text of an unsound key names the defect and nothing of the key.
func TestAnUnsoundKeySaysWhy(t *testing.T) {
	_, err := NewKey(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}, "kid", "", "")
	var e *KeyError
	if !errors.As(err, &e) || e.Defect != DefectSize || err.Error() != "jws: unsound key: size" {
		t.Errorf("error %v", err)
	}
}

// Where a modulus cannot be prepared, crypto/rsa verifies, with the same results.
func TestRSAWithoutPreparationVerifiesAlike(t *testing.T) {
	if prepareRSA(&rsa.PublicKey{N: big.NewInt(0), E: 65537}) != nil {
		t.Error("nothing was prepared as a modulus")
	}
	private := rsaKeys()[0]
	for alg, hash := range map[Algorithm]int{RS256: 0, RS384: 1, RS512: 2} {
		message := []byte("header.payload")
		signature, err := rsa.SignPKCS1v15(nil, private, rsaHashes[hash], digestOf(rsaHashes[hash], message))
		if err != nil {
			t.Fatal(err)
		}
		key, err := NewKey(&private.PublicKey, "kid", alg, "")
		if err != nil {
			t.Fatal(err)
		}
		plain := *key
		plain.prepared = nil
		m := &Message{header: header{scheme: schemeOf(alg)}, signed: string(message), signature: signature}
		for _, k := range []*Key{key, &plain} {
			m.signature = signature
			if err := m.Verify(k); err != nil {
				t.Errorf("%s, prepared %v: %v", alg, k.prepared != nil, err)
			}
			m.signature = append([]byte{signature[0] ^ 1}, signature[1:]...)
			if err := m.Verify(k); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, prepared %v, changed: %v", alg, k.prepared != nil, err)
			}
		}
	}
}

// A digest of a hash that no algorithm here has verifies nothing.
func TestPreparedRSAKnowsItsHashesAlone(t *testing.T) {
	private := rsaKeys()[0]
	p := prepareRSA(&private.PublicKey)
	if p.verify(0, nil, make([]byte, p.modulus.Size())) {
		t.Error("a signature holds without a hash")
	}
}
