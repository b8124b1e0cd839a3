package verifiertest_test

import (
	"errors"
	"slices"
	"strings"
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

// names returns the names of attacks in their order.
func names(attacks []verifiertest.Attack) []string {
	var all []string
	for _, a := range attacks {
		all = append(all, a.Name)
	}
	return all
}

func TestEveryAttackIsRefused(t *testing.T) {
	for _, alg := range []verifier.Algorithm{verifier.RS256, verifier.PS256, verifier.ES256, verifier.ES512, verifier.Ed25519} {
		for _, keys := range []int{1, 2} {
			t.Run(string(alg)+map[int]string{1: "", 2: " after a rotation"}[keys], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(alg))
					if keys == 2 {
						issuer.Rotate()
					}
					refuseAll(t, issuer)
				})
			})
		}
	}
}

// refuseAll counts exactly: in virtual time all attacks fall into the cool-down of the first.
func refuseAll(t *testing.T, issuer *verifiertest.Issuer) {
	t.Helper()
	v := issuer.Verifier()
	if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // past the cool-down of the first fetch
	attacks := verifiertest.Attacks(issuer)
	if len(attacks) < 200 {
		t.Errorf("only %d attacks", len(attacks))
	}
	for _, a := range attacks {
		time.Sleep(time.Millisecond) // each arrives after the last answer
		token, err := v.Verify(t.Context(), a.Token)
		if token != nil || err == nil {
			t.Errorf("%s was accepted: %s", a.Name, a.Why)
		}
		if got := reasonOf(err); got != a.Reason {
			t.Errorf("%s: reason %q, want %q", a.Name, got, a.Reason)
		}
		if a.Why == "" {
			t.Errorf("%s does not say why", a.Name)
		}
	}
	// The first unknown kid is worth a question, and its answer holds for the others.
	if n := issuer.Fetches(); n != 2 {
		t.Errorf("%d attacks and two good tokens caused %d fetches, want 2", len(attacks), n)
	}
	if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
		t.Errorf("a good token after the attacks: %v", err)
	}
}

func TestAttacksAreTheSameEveryTime(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
	first := names(verifiertest.Attacks(issuer))
	if again := names(verifiertest.Attacks(issuer)); !slices.Equal(first, again) {
		t.Error("two calls differ in names or order")
	}
	if unique := slices.Compact(slices.Clone(first)); len(unique) != len(first) { // equal ones are neighbours
		t.Errorf("%d attacks have %d names", len(first), len(unique))
	}
}

// An attack proves little if something else is wrong with its token, too. Each of these is
// accepted once the check that it is about is turned.
func TestAttacksHaveOneFault(t *testing.T) {
	shift := func(d time.Duration) []verifier.Option {
		return []verifier.Option{verifier.WithClock(func() time.Time { return time.Now().Add(d) })}
	}
	issuer := verifiertest.NewIssuer(t)
	attacks := map[string]verifiertest.Attack{}
	for _, a := range verifiertest.Attacks(issuer) {
		attacks[a.Name] = a
	}
	for name, turned := range map[string]struct {
		policy func(*verifier.Policy)
		clock  []verifier.Option
		proved verifier.Confirmation
	}{
		"expired":              {clock: shift(-90 * time.Minute)},
		"not yet valid":        {clock: shift(2 * time.Hour)},
		"issued in the future": {clock: shift(2 * time.Hour)},
		"ID token with nonce":  {policy: func(p *verifier.Policy) { p.AllowIDTokensUnsafe = true }},
		"ID token":             {policy: func(p *verifier.Policy) { p.AllowIDTokensUnsafe = true }},
		"aud another":          {policy: func(p *verifier.Policy) { p.Audiences = []string{"https://other.example.test"} }},
		"aud prefix":           {policy: func(p *verifier.Policy) { p.Audiences[0] = strings.TrimSuffix(p.Audiences[0], "t") }},
		"aud in capitals":      {policy: func(p *verifier.Policy) { p.Audiences[0] = strings.ToUpper(p.Audiences[0]) }},
		"iss another":          {policy: func(p *verifier.Policy) { trust(p, issuer, "https://attacker.example.test") }},
		"iss with slash":       {policy: func(p *verifier.Policy) { trust(p, issuer, issuer.URL()+"/") }},
		"payload large":        {policy: func(p *verifier.Policy) { p.MaxTokenBytes = 100_000 }},
		"bound to DPoP key":    {proved: verifier.Confirmation{JWKThumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
		"bound to certificate": {proved: verifier.Confirmation{CertificateThumbprint: "x"}},
	} {
		p := issuer.Policy()
		if turned.policy != nil {
			turned.policy(&p)
		}
		v, err := verifier.New(p, turned.clock...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), attacks[name].Token, verifier.Confirmed(turned.proved)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// trust makes the issuer's keys those of another iss.
func trust(p *verifier.Policy, issuer *verifiertest.Issuer, url string) {
	p.Issuers[0].URL, p.Issuers[0].JWKSURL = url, issuer.URL()+"/.well-known/jwks"
}
