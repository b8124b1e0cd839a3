package kinde_test

import (
	"errors"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// newVerifier verifies under cfg; issuers stand for its domains, in order.
func newVerifier(t *testing.T, cfg kinde.Config, issuers ...*verifiertest.Issuer) *verifier.Verifier {
	t.Helper()
	p, err := kinde.Policy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, issuer := range issuers {
		p.Issuers[i].HTTPClient = issuer.Client()
	}
	v, err := verifier.New(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func wantReason(t *testing.T, name string, v *verifier.Verifier, token string, want verifier.Reason) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	var got verifier.Reason
	if e, ok := errors.AsType[*verifier.Error](err); ok {
		got = e.Reason
	}
	if got != want {
		t.Errorf("%s: reason %q, want %q", name, got, want)
	}
}

type claims = verifiertest.Claims

var (
	forAPI    = claims{"aud": []string{audience}}
	forNobody = claims{"aud": []string{}}
)

// What may arrive at an API of Kinde's, and what becomes of it.
func TestTokens(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"))
	staging := verifiertest.NewIssuer(t, verifiertest.WithURL("https://staging.kinde.com"))
	v := newVerifier(t, kinde.Config{Domain: "bookshop", Audiences: []string{audience}}, issuer)
	for name, tt := range map[string]struct {
		token string
		want  verifier.Reason
	}{
		"user":                     {issuer.Token(devissuer.UserClaims(), forAPI), ""},
		"user, several audiences":  {issuer.Token(claims{"aud": []string{"https://other.example", audience}}), ""},
		"machine without sub":      {issuer.Token(devissuer.MachineClaims("read:books"), forAPI), ""},
		"machine without scopes":   {issuer.Token(devissuer.MachineClaims(), forAPI), ""},
		"machine of older shape":   {issuer.Token(devissuer.MachineClaims("read:books"), forAPI, claims{"scp": verifiertest.Omit, "v": verifiertest.Omit}), ""},
		"audience not asked":       {issuer.Token(devissuer.UserClaims(), forNobody), verifier.ReasonNoAudience},
		"management API's own":     {issuer.Token(claims{"aud": []string{"https://bookshop.kinde.com/api"}}), verifier.ReasonAudience},
		"ID token":                 {issuer.Token(devissuer.IDTokenClaims()), verifier.ReasonWrongKind},
		"ID token, audience ok":    {issuer.Token(devissuer.IDTokenClaims(), forAPI), verifier.ReasonWrongKind},
		"ID token without at_hash": {issuer.Token(devissuer.IDTokenClaims(), forAPI, claims{"at_hash": verifiertest.Omit}), verifier.ReasonWrongKind},
		"webhook":                  {issuer.Token(devissuer.WebhookClaims()), verifier.ReasonIssuer},
		"another environment":      {staging.Token(forAPI), verifier.ReasonIssuer},
		"another environment's key": {
			staging.Token(forAPI, claims{"iss": issuer.URL()}), verifier.ReasonUnknownKey,
		},
		"API key":    {"k_live_0123456789abcdef", verifier.ReasonOpaque},
		"signed out": {"undefined", verifier.ReasonPlaceholder},
	} {
		wantReason(t, name, v, tt.token, tt.want)
	}
}

func TestTokensOfAnUnregisteredAPI(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"))
	v := newVerifier(t, kinde.Config{
		Domain: "bookshop", AllowAnyAudienceUnsafe: true, Clients: []string{devissuer.DefaultClientID},
	}, issuer)
	for name, tt := range map[string]struct {
		token string
		want  verifier.Reason
	}{
		"user":           {issuer.Token(devissuer.UserClaims(), forNobody), ""},
		"another client": {issuer.Token(devissuer.MachineClaims("read:books"), forNobody), verifier.ReasonClient},
		"no client":      {issuer.Token(forNobody, claims{"azp": verifiertest.Omit}), verifier.ReasonClient},
		"ID token":       {issuer.Token(devissuer.IDTokenClaims()), verifier.ReasonWrongKind},
		"webhook":        {issuer.Token(devissuer.WebhookClaims()), verifier.ReasonIssuer},
	} {
		wantReason(t, name, v, tt.token, tt.want)
	}
}

// With a custom domain there are two issuers, each with keys that are no good for the other.
func TestTwoDomains(t *testing.T) {
	people := verifiertest.NewIssuer(t, verifiertest.WithURL("https://auth.bookshop.example"))
	machines := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"))
	v := newVerifier(t, kinde.Config{
		Domain: "auth.bookshop.example", ExtraDomains: []string{"bookshop"}, Audiences: []string{audience},
	}, people, machines)
	for name, tt := range map[string]struct {
		token string
		want  verifier.Reason
	}{
		"user":                     {people.Token(forAPI), ""},
		"machine":                  {machines.Token(devissuer.MachineClaims("read:books"), forAPI), ""},
		"user, by machines' key":   {machines.Token(forAPI, claims{"iss": people.URL()}), verifier.ReasonUnknownKey},
		"machine, by people's key": {people.Token(forAPI, claims{"iss": machines.URL()}), verifier.ReasonUnknownKey},
	} {
		wantReason(t, name, v, tt.token, tt.want)
	}
}

func TestOtherAlgorithmsAreRefused(t *testing.T) {
	for _, alg := range []verifier.Algorithm{verifier.PS256, verifier.ES256, verifier.EdDSA} {
		issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"), verifiertest.WithAlgorithm(alg))
		v := newVerifier(t, kinde.Config{Domain: "bookshop", Audiences: []string{audience}}, issuer)
		wantReason(t, string(alg), v, issuer.Token(forAPI), verifier.ReasonAlgorithm)
	}
}
