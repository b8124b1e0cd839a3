package verifiertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func reasonOf(err error) verifier.Reason {
	if e, ok := errors.AsType[*verifier.Error](err); ok {
		return e.Reason
	}
	return ""
}

func TestEveryAttackIsRefused(t *testing.T) {
	for _, alg := range []verifier.Algorithm{verifier.RS256, verifier.PS256, verifier.ES256, verifier.Ed25519} {
		t.Run(string(alg), func(t *testing.T) {
			issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(alg))
			v := issuer.Verifier()
			if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
				t.Fatal(err)
			}
			names := map[string]bool{}
			for _, a := range verifiertest.Attacks(issuer) {
				if names[a.Name] {
					t.Errorf("two attacks are called %q", a.Name)
				}
				names[a.Name] = true
				token, err := v.Verify(t.Context(), a.Token)
				if token != nil || err == nil {
					t.Errorf("%s was accepted: %s", a.Name, a.Why)
				}
				if got := reasonOf(err); got != a.Reason {
					t.Errorf("%s: reason %q, want %q", a.Name, got, a.Reason)
				}
			}
			if len(names) < 150 {
				t.Errorf("only %d attacks", len(names))
			}
			if n := issuer.Fetches(); n > 2 {
				t.Errorf("%d attacks caused %d fetches, want at most 2", len(names), n)
			}
			if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
				t.Errorf("a good token after the attacks: %v", err)
			}
		})
	}
}

func TestIssuerInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := verifiertest.NewIssuer(t)
		v := issuer.Verifier()
		old := issuer.Token()
		if _, err := v.Verify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		oldKid := issuer.KeyID()
		time.Sleep(2 * time.Second)
		if kid := issuer.Rotate(); kid == oldKid || kid != issuer.KeyID() {
			t.Errorf("rotated from %s to %s", oldKid, kid)
		}
		if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
			t.Errorf("the new key: %v", err)
		}
		if n := issuer.Fetches(); n != 2 {
			t.Errorf("%d fetches, want 2", n)
		}
		issuer.Withdraw(oldKid)
		time.Sleep(6 * time.Minute)
		_, _ = v.Verify(t.Context(), issuer.Token())
		time.Sleep(time.Second)
		if _, err := v.Verify(t.Context(), old); !errors.Is(err, verifier.ErrInvalidToken) {
			t.Errorf("the withdrawn key: %v", err)
		}
		issuer.Hang()
		time.Sleep(time.Hour)
		if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
			t.Errorf("while the issuer hangs: %v", err)
		}
		issuer.Release()
		issuer.Fail(500)
		time.Sleep(25 * time.Hour)
		if _, err := v.Verify(t.Context(), issuer.Token()); !errors.Is(err, verifier.ErrUnavailable) {
			t.Errorf("after a day of failure: %v", err)
		}
	})
}

func TestListener(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithListener(), verifiertest.WithAlgorithm(verifier.ES256))
	v, err := verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{URL: issuer.URL()}}, Audiences: []string{verifiertest.Audience},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
		t.Error(err)
	}
}

func TestVerified(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://other.example.test"))
	token := issuer.Verified(verifiertest.Claims{"sub": "ada"}, verifiertest.Claims{"azp": verifiertest.Omit})
	if token.Subject() != "ada" || token.ClientID() != "" || token.Issuer() != "https://other.example.test" {
		t.Errorf("subject %q, client %q, issuer %q", token.Subject(), token.ClientID(), token.Issuer())
	}
}

func Example() {
	t := &testing.T{} // a test has one
	issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
	token, err := issuer.Verifier().Verify(context.Background(), issuer.Token(verifiertest.Claims{"sub": "ada"}))
	fmt.Println(token.Subject(), err)
	// Output: ada <nil>
}
