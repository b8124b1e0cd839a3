package verifier_test

import (
	"testing"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/verifier"
)

func TestEveryInternalCodeHasAReason(t *testing.T) {
	for _, c := range jws.Codes() {
		if _, ok := verifier.FormReason(c); !ok {
			t.Errorf("jws code %d has no reason", c)
		}
	}
	for _, c := range keyring.Codes() {
		if _, ok := verifier.KeyReason(c); !ok {
			t.Errorf("keyring code %s has no reason", c)
		}
	}
}

func TestAlgorithmsMatch(t *testing.T) {
	public := []verifier.Algorithm{
		verifier.RS256, verifier.RS384, verifier.RS512, verifier.PS256, verifier.PS384, verifier.PS512,
		verifier.ES256, verifier.ES384, verifier.ES512, verifier.EdDSA, verifier.Ed25519,
	}
	internal := jws.Algorithms()
	if len(public) != len(internal) {
		t.Fatalf("%d public algorithms, %d internal", len(public), len(internal))
	}
	for i, a := range public {
		if string(a) != string(internal[i]) {
			t.Errorf("algorithm %d is %s in public, %s inside", i, a, internal[i])
		}
	}
}
