package devissuer_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestKeyAsAnotherAlgorithm(t *testing.T) {
	key, err := devissuer.NewKey(devissuer.RS256, "k")
	if err != nil {
		t.Fatal(err)
	}
	pss, err := key.As(devissuer.PS256)
	if err != nil {
		t.Fatal(err)
	}
	if pss.ID() != "k" || pss.Algorithm() != devissuer.PS256 || key.Algorithm() != devissuer.RS256 {
		t.Errorf("id %s, algorithm %s, before %s", pss.ID(), pss.Algorithm(), key.Algorithm())
	}
	signature, err := pss.Sign([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		t.Fatal("not an RSA key")
	}
	digest := sha256.Sum256([]byte("x"))
	if err := rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, nil); err != nil {
		t.Errorf("the signature is not of the same key: %v", err)
	}
	for _, alg := range []devissuer.Algorithm{devissuer.ES256, devissuer.Ed25519, "none"} {
		if _, err := key.As(alg); err == nil {
			t.Errorf("an RSA key signs %s", alg)
		}
	}
}
