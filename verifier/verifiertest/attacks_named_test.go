package verifiertest_test

import (
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// Every attack is a test of its own name, so that documentation can name it.
func TestAttack(t *testing.T) {
	for _, alg := range []verifier.Algorithm{verifier.RS256, verifier.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(alg))
			v := issuer.Verifier()
			if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
				t.Fatal(err)
			}
			for _, a := range verifiertest.Attacks(issuer) {
				t.Run(a.Name, func(t *testing.T) {
					token, err := v.Verify(t.Context(), a.Token)
					if got := reasonOf(err); token != nil || got != a.Reason {
						t.Errorf("token %v, reason %q, want %q: %s", token, got, a.Reason, a.Why)
					}
				})
			}
		})
	}
}
