package verifier_test

import (
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

func strictPolicy() verifier.Policy {
	p := goodPolicy()
	p.Profile = verifier.ProfileRFC9068
	return p
}

// RFC 9068 §2.1 and §4: no other type, and none, will do.
func TestStrictProfileTakesOneType(t *testing.T) {
	v := newVerifier(t, strictPolicy())
	claims := with(goodClaims(), object{"client_id": "client-1"})
	for typ, want := range map[string]verifier.Reason{
		"at+jwt": "", "at+JWT": "", "application/at+jwt": "", "Application/AT+JWT": "",
		"": verifier.ReasonType, "JWT": verifier.ReasonType, "id+jwt": verifier.ReasonType, "dpop+jwt": verifier.ReasonType,
		"logout+jwt": verifier.ReasonType, "secevent+jwt": verifier.ReasonType, "text/at+jwt": verifier.ReasonType, "at+jwt ": verifier.ReasonType,
	} {
		t.Run("typ "+typ, func(t *testing.T) {
			wantReason(t, v, sign(t, with(goodHeader(), object{"typ": typ}), claims), want)
		})
	}
	t.Run("no typ", func(t *testing.T) {
		wantReason(t, v, sign(t, with(goodHeader(), object{"typ": omit{}}), claims), verifier.ReasonType)
	})
}

// RFC 9068 §2.2.
func TestStrictProfileDemandsItsClaims(t *testing.T) {
	v := newVerifier(t, strictPolicy())
	header, claims := with(goodHeader(), object{"typ": "at+jwt"}), with(goodClaims(), object{"client_id": "client-1"})
	wantReason(t, v, sign(t, header, claims), "")
	for name, missing := range map[string]verifier.Reason{
		"iss": verifier.ReasonIssuer, "exp": verifier.ReasonNoExpiry, "aud": verifier.ReasonNoAudience, "sub": verifier.ReasonMissingClaim,
		"client_id": verifier.ReasonMissingClaim, "iat": verifier.ReasonMissingClaim, "jti": verifier.ReasonMissingClaim,
	} {
		t.Run("no "+name, func(t *testing.T) {
			wantReason(t, v, sign(t, header, with(claims, object{name: omit{}})), missing)
		})
		t.Run(name+" of another type", func(t *testing.T) {
			want := verifier.ReasonMalformedClaim
			if name == "iss" {
				want = verifier.ReasonIssuer
			}
			wantReason(t, v, sign(t, header, with(claims, object{name: object{}})), want)
		})
	}
}

// Dates are compared as they are, to the fraction; leeway is added and nothing is rounded.
func TestDatesAreNotRounded(t *testing.T) {
	p := goodPolicy()
	p.Leeway = -1
	v := newVerifier(t, p)
	seconds := float64(now.Unix())
	for name, tt := range map[string]struct {
		changes object
		want    verifier.Reason
	}{
		"exp now":                  {object{"exp": seconds}, verifier.ReasonExpired},
		"exp in half a second":     {object{"exp": seconds + 0.5}, ""},
		"exp half a second ago":    {object{"exp": seconds - 0.5}, verifier.ReasonExpired},
		"nbf now":                  {object{"nbf": seconds}, ""},
		"nbf in half a second":     {object{"nbf": seconds + 0.5}, verifier.ReasonNotYetValid},
		"iat in half a second":     {object{"iat": seconds + 0.5}, verifier.ReasonIssuedInFuture},
		"exp as minus nothing":     {object{"exp": rawNumber("-0")}, verifier.ReasonExpired},
		"exp with an exponent":     {object{"exp": rawNumber("1.7672292e9")}, ""},
		"exp before iat, both now": {object{"iat": seconds, "exp": seconds - 1}, verifier.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			wantReason(t, v, sign(t, goodHeader(), with(goodClaims(), tt.changes)), tt.want)
		})
	}
	// Between clocks that differ, exp may seem to be before iat: each is judged for itself.
	between := with(goodClaims(), object{"iat": now.Add(20 * time.Second).Unix(), "exp": now.Add(-20 * time.Second).Unix()})
	t.Run("exp before iat, within leeway", func(t *testing.T) {
		wantReason(t, newVerifier(t, goodPolicy()), sign(t, goodHeader(), between), "")
	})
}
