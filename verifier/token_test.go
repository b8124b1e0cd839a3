package verifier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

func verified(tb testing.TB, changes object) *verifier.Token {
	tb.Helper()
	token, err := newVerifier(tb, goodPolicy()).Verify(tb.Context(), sign(tb, goodHeader(), with(goodClaims(), changes)))
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func TestTokenAccessors(t *testing.T) {
	token := verified(t, object{"scope": "write:books  read:books", "nbf": now.Unix() - 5, "note": "caf\u00e9 \"x\""})
	for name, got := range map[string][2]any{
		"issuer": {token.Issuer(), issuerURL}, "subject": {token.Subject(), "user-1"}, "id": {token.ID(), "id-1"},
		"client": {token.ClientID(), "client-1"}, "algorithm": {token.Algorithm(), verifier.EdDSA},
		"key": {token.KeyID(), keyID}, "type": {token.Type(), "JWT"},
		"expiry": {token.ExpiresAt(), now.Add(time.Hour).UTC()}, "issued": {token.IssuedAt(), now.Add(-time.Minute).UTC()},
		"not before": {token.NotBefore(), now.Add(-5 * time.Second).UTC()},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %v, want %v", name, got[0], got[1])
		}
	}
	if got := token.Scopes(); !slices.Equal(got, []string{"write:books", "read:books", "openid"}) {
		t.Errorf("scopes %q", got)
	}
	if !token.HasScope("openid") || token.HasScope("read") || token.HasScope("") {
		t.Error("HasScope does not compare whole scopes")
	}
	aud := token.Audience()
	aud[0] = "changed"
	if token.Audience()[0] != audience {
		t.Error("Audience hands out what it holds")
	}
	if raw, ok := token.Claim("note"); !ok || string(raw) != `"café \"x\""` {
		t.Errorf("Claim returned %s, %v", raw, ok)
	}
	if _, ok := token.Claim("absent"); ok {
		t.Error("an absent claim is present")
	}
	type own struct {
		Note string `json:"note"`
	}
	if got, err := verifier.ClaimsAs[own](token); err != nil || got.Note != `café "x"` {
		t.Errorf("ClaimsAs returned %+v, %v", got, err)
	}
}

func TestScopeListElementsAreWhole(t *testing.T) {
	token := verified(t, object{"scope": []string{"read write", "admin"}, "scp": omit{}})
	if token.HasScope("read") || !token.HasScope("admin") {
		t.Errorf("scopes %q", token.Scopes())
	}
}

func TestTokenPrintsNothing(t *testing.T) {
	token := verified(t, nil)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "value", *token)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token)
	encoded, err := json.Marshal(map[string]any{"pointer": token, "value": *token})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb, token)
		fmt.Fprintf(&log, verb, *token)
		fmt.Fprintf(&log, verb, []any{token})
	}
	for _, secret := range []string{"user-1", "id-1", "client-1", "eyJ", audience} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q was printed", secret)
		}
	}
}

func TestZeroTokenIsHarmless(t *testing.T) {
	var token verifier.Token
	if token.Subject() != "" || token.HasScope("x") || token.Audience() != nil || !token.ExpiresAt().IsZero() {
		t.Error("the zero Token says something")
	}
	if _, ok := token.Claim("x"); ok {
		t.Error("the zero Token has a claim")
	}
	if err := token.Claims(&struct{}{}); err == nil {
		t.Error("the zero Token has claims")
	}
}

func TestTokenInContext(t *testing.T) {
	if _, ok := verifier.TokenFromContext(t.Context()); ok {
		t.Error("an empty context holds a token")
	}
	if _, ok := verifier.TokenFromContext(verifier.ContextWithToken(t.Context(), nil)); ok {
		t.Error("a nil token counts as one")
	}
	token := verified(t, nil)
	if got, ok := verifier.TokenFromContext(verifier.ContextWithToken(t.Context(), token)); !ok || got != token {
		t.Error("the token is lost")
	}
}

func TestRequirements(t *testing.T) {
	token := verified(t, object{"acr": "gold", "auth_time": now.Unix() - 600, "org": "org_1"})
	boom := errors.New("boom")
	own := func(err error) verifier.Requirement {
		return verifier.NewRequirement(verifier.RequirementSpec{
			Name: "own", Check: func(context.Context, *verifier.Token) error { return err },
		})
	}
	for _, tt := range []struct {
		name string
		req  verifier.Requirement
		want verifier.Reason
	}{
		{"scope", verifier.Scopes("openid"), ""},
		{"all scopes", verifier.Scopes("openid", "admin"), verifier.ReasonScope},
		{"any scope", verifier.AnyScope("admin", "openid"), ""},
		{"no scope of any", verifier.AnyScope("admin", "root"), verifier.ReasonScope},
		{"empty scope", verifier.Scopes(""), verifier.ReasonMisconfigured},
		{"scope with quote", verifier.Scopes(`a"b`), verifier.ReasonMisconfigured},
		{"claim", verifier.ClaimEquals("org", "org_1"), ""},
		{"other claim", verifier.ClaimEquals("org", "org_2"), verifier.ReasonRequirement},
		{"no claim", verifier.ClaimEquals("none", ""), verifier.ReasonRequirement},
		{"recent sign-in", verifier.MaxAuthAge(10 * time.Minute), ""},
		{"old sign-in", verifier.MaxAuthAge(5 * time.Minute), verifier.ReasonStepUp},
		{"acr", verifier.ACR("platinum", "gold"), ""},
		{"weak acr", verifier.ACR("platinum"), verifier.ReasonStepUp},
		{"no acr", verifier.ACR(), verifier.ReasonMisconfigured},
		{"zero", verifier.Requirement{}, verifier.ReasonMisconfigured},
		{"empty spec", verifier.NewRequirement(verifier.RequirementSpec{}), verifier.ReasonMisconfigured},
		{"own, met", own(nil), ""},
		{"own, not met", own(boom), verifier.ReasonRequirement},
		{"own, typed nil", own((*verifier.Error)(nil)), verifier.ReasonMisconfigured},
		{"own, unavailable", own(fmt.Errorf("db: %w", verifier.ErrUnavailable)), verifier.ReasonRequirementUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := token.Require(t.Context(), tt.req)
			if got := reasonOf(t, err); got != tt.want {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
		})
	}
	if err := token.Require(t.Context(), own(boom)); !errors.Is(err, boom) || !errors.Is(err, verifier.ErrForbidden) {
		t.Errorf("error %v hides its cause or root", err)
	}
	if err := token.Require(t.Context()); err != nil {
		t.Errorf("no requirement: %v", err)
	}
}

func TestScopeRefusalNamesAllScopesOfTheRoute(t *testing.T) {
	err := verified(t, nil).Require(t.Context(),
		verifier.Scopes("openid", "a"), verifier.AnyScope("b", "c"), verifier.Scopes("a", "d"))
	var e *verifier.Error
	if !errors.As(err, &e) || !slices.Equal(e.Scopes, []string{"openid", "a", "b", "d"}) {
		t.Errorf("error %v names %v", err, e.Scopes)
	}
}

func TestMaxAuthAgeWithoutAuthTime(t *testing.T) {
	var e *verifier.Error
	err := verified(t, nil).Require(t.Context(), verifier.MaxAuthAge(time.Minute))
	if !errors.As(err, &e) || !errors.Is(err, verifier.ErrStepUp) || e.MaxAge != time.Minute {
		t.Errorf("error %v", err)
	}
}

func TestConfirmation(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	both := sign(t, goodHeader(), with(goodClaims(), object{"cnf": object{"jkt": "J", "x5t#S256": "C"}}))
	for name, tt := range map[string]struct {
		proved verifier.Confirmation
		want   verifier.Reason
	}{
		"both":    {verifier.Confirmation{JWKThumbprint: "J", CertificateThumbprint: "C"}, ""},
		"one":     {verifier.Confirmation{JWKThumbprint: "J"}, verifier.ReasonBinding},
		"swapped": {verifier.Confirmation{JWKThumbprint: "C", CertificateThumbprint: "J"}, verifier.ReasonBinding},
		"none":    {verifier.Confirmation{}, verifier.ReasonBinding},
	} {
		_, err := v.Verify(t.Context(), both, verifier.Confirmed(tt.proved))
		if got := reasonOf(t, err); got != tt.want {
			t.Errorf("%s: reason %q, want %q", name, got, tt.want)
		}
	}
}

func TestRevocation(t *testing.T) {
	boom := errors.New("boom")
	for name, tt := range map[string]struct {
		revoked bool
		err     error
		want    verifier.Reason
	}{
		"fine": {false, nil, ""}, "revoked": {true, nil, verifier.ReasonRevoked},
		"unknown": {false, boom, verifier.ReasonRevocationUnavailable}, "both": {true, boom, verifier.ReasonRevocationUnavailable},
	} {
		v := newVerifier(t, goodPolicy(), verifier.WithRevocation(func(_ context.Context, token *verifier.Token) (bool, error) {
			if token.ID() != "id-1" {
				t.Error("the hook got another token")
			}
			return tt.revoked, tt.err
		}))
		_, err := v.Verify(t.Context(), sign(t, goodHeader(), goodClaims()))
		if got := reasonOf(t, err); got != tt.want {
			t.Errorf("%s: reason %q, want %q", name, got, tt.want)
		}
	}
}

// A framework may reuse the memory of a header for the next request.
func TestTokenKeepsNothingOfTheInput(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	buffer := []byte(sign(t, goodHeader(), goodClaims()))
	token, err := v.Verify(t.Context(), unsafeString(buffer))
	if err != nil {
		t.Fatal(err)
	}
	for i := range buffer {
		buffer[i] = 'x'
	}
	if token.Subject() != "user-1" || token.KeyID() != keyID || !token.HasScope("read:books") || token.Type() != "JWT" {
		t.Error("the token changed with the input buffer")
	}
}
