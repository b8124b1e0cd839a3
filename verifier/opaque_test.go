package verifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

// opaqueVerifier asks lookup about opaque tokens.
func opaqueVerifier(
	tb testing.TB, p verifier.Policy, lookup func(ctx context.Context, token string) ([]byte, error), opts ...verifier.Option,
) *verifier.Verifier {
	tb.Helper()
	return newVerifier(tb, p, append(opts, verifier.WithOpaqueTokens(lookup))...)
}

func activeClaims() object { return with(goodClaims(), object{"active": true}) }

func TestOpaqueTokens(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer any // a string stands for itself
		err    error
		want   verifier.Reason
	}{
		{"good", activeClaims(), nil, ""},
		{"as Hydra answers", with(activeClaims(), object{"token_use": "access_token", "token_type": "Bearer"}), nil, ""},
		{"scope as a string", with(activeClaims(), object{"scp": omit{}, "scope": "read:books write:books"}), nil, ""},

		{"not active", object{"active": false}, nil, verifier.ReasonInactive},
		{"not active, but all claims", with(activeClaims(), object{"active": false}), nil, verifier.ReasonInactive},
		{"active as a string", with(activeClaims(), object{"active": "true"}), nil, verifier.ReasonInactive},
		{"active as a number", with(activeClaims(), object{"active": 1}), nil, verifier.ReasonInactive},
		{"active null", with(activeClaims(), object{"active": nil}), nil, verifier.ReasonInactive},
		{"active in another case", with(goodClaims(), object{"Active": true}), nil, verifier.ReasonInactive},
		{"active inside", with(goodClaims(), object{"x": object{"active": true}}), nil, verifier.ReasonInactive},
		{"active absent", goodClaims(), nil, verifier.ReasonInactive},
		{"empty object", "{}", nil, verifier.ReasonInactive},
		{"unknown", nil, fmt.Errorf("not found: %w", verifier.ErrInvalidToken), verifier.ReasonInactive},
		{"unknown, with claims", activeClaims(), verifier.ErrInvalidToken, verifier.ReasonInactive},

		{"error", nil, errors.New("connection refused"), verifier.ReasonIntrospectionUnavailable},
		{"error, with claims", activeClaims(), errors.New("cut off"), verifier.ReasonIntrospectionUnavailable},
		{"no answer", "", nil, verifier.ReasonIntrospectionUnavailable},
		{"a page", "<html>", nil, verifier.ReasonIntrospectionUnavailable},
		{"a list", "[]", nil, verifier.ReasonIntrospectionUnavailable},
		{"active twice", `{"active":true,"active":false}`, nil, verifier.ReasonIntrospectionUnavailable},
		{"something after it", `{"active":true} x`, nil, verifier.ReasonIntrospectionUnavailable},
		{"folded claim", with(activeClaims(), object{"Iss": issuerURL}), nil, verifier.ReasonIntrospectionUnavailable},

		{"other issuer", with(activeClaims(), object{"iss": "https://other.example.test"}), nil, verifier.ReasonIssuer},
		{"no issuer", with(activeClaims(), object{"iss": omit{}}), nil, verifier.ReasonIssuer},
		{"other audience", with(activeClaims(), object{"aud": "https://else.example.test"}), nil, verifier.ReasonAudience},
		{"no audience", with(activeClaims(), object{"aud": omit{}}), nil, verifier.ReasonNoAudience},
		{"expired", with(activeClaims(), object{"exp": now.Unix() - 60}), nil, verifier.ReasonExpired},
		{"no expiry", with(activeClaims(), object{"exp": omit{}}), nil, verifier.ReasonNoExpiry},
		{"early", with(activeClaims(), object{"nbf": now.Unix() + 60}), nil, verifier.ReasonNotYetValid},
		{"refresh token", with(activeClaims(), object{"token_use": "refresh_token"}), nil, verifier.ReasonWrongKind},
		{"Keycloak's refresh token", with(activeClaims(), object{"typ": "Refresh"}), nil, verifier.ReasonWrongKind},
		{"malformed claim", with(activeClaims(), object{"sub": 1}), nil, verifier.ReasonMalformedClaim},
		{"bound", with(activeClaims(), object{"cnf": object{"jkt": "J"}}), nil, verifier.ReasonBinding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := opaqueVerifier(t, goodPolicy(), func(_ context.Context, token string) ([]byte, error) {
				if token != "2YotnFZFEjr1zCsicMWpAA" {
					t.Errorf("the hook was asked about %q", token)
				}
				if s, ok := tt.answer.(string); ok {
					return []byte(s), tt.err
				}
				raw, err := json.Marshal(tt.answer)
				return raw, errors.Join(tt.err, err)
			})
			wantReason(t, v, "2YotnFZFEjr1zCsicMWpAA", tt.want)
		})
	}
}

func TestOpaqueTokenSays(t *testing.T) {
	answer, err := json.Marshal(with(activeClaims(), object{"cnf": object{"jkt": "J"}}))
	if err != nil {
		t.Fatal(err)
	}
	v := opaqueVerifier(t, goodPolicy(), func(context.Context, string) ([]byte, error) { return answer, nil })
	token, err := v.Verify(t.Context(), "opaque", verifier.Confirmed(verifier.Confirmation{JWKThumbprint: "J"}))
	if err != nil {
		t.Fatal(err)
	}
	if r := v.Explain(t.Context(), "opaque"); r.Reason != verifier.ReasonBinding {
		t.Errorf("explained as %q", r.Reason)
	}
	clear(answer) // the hook goes on using its memory
	if token.Subject() != "user-1" || token.Issuer() != issuerURL || !token.HasScope("read:books") || token.ID() != "id-1" {
		t.Error("the token does not say what the answer said")
	}
	if token.Algorithm() != "" || token.KeyID() != "" || token.Type() != "" {
		t.Error("an opaque token has a header")
	}
}

// What is a JWT, or nothing at all, is none of the hook's business.
func TestOpaqueHookIsAskedAboutOpaqueTokensAlone(t *testing.T) {
	asked := 0
	p := goodPolicy()
	p.MaxTokenBytes = 2048
	v := opaqueVerifier(t, p, func(context.Context, string) ([]byte, error) {
		asked++
		return nil, verifier.ErrInvalidToken
	})
	good := sign(t, goodHeader(), goodClaims())
	for _, tt := range []struct {
		name, token string
		want        verifier.Reason
		asked       int
	}{
		{"good JWT", good, "", 0},
		{"expired JWT", sign(t, goodHeader(), with(goodClaims(), object{"exp": 1})), verifier.ReasonExpired, 0},
		{"forged JWT", good[:len(good)-8] + "AAAAAAAA", verifier.ReasonSignature, 0},
		{"two dots", "a.b.c", verifier.ReasonMalformed, 0},
		{"nothing", "", verifier.ReasonNoCredentials, 0},
		{"placeholder", "undefined", verifier.ReasonPlaceholder, 0},
		{"too large", strings.Repeat("a", 2049), verifier.ReasonTooLarge, 0},
		{"as large as may be", strings.Repeat("a", 2048), verifier.ReasonInactive, 1},
		{"no dot", "abc", verifier.ReasonInactive, 1},
		{"one dot", "abc.def", verifier.ReasonInactive, 1},
		{"encrypted", "a.b.c.d.e", verifier.ReasonInactive, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked = 0
			wantReason(t, v, tt.token, tt.want)
			if asked != tt.asked {
				t.Errorf("asked %d times, want %d", asked, tt.asked)
			}
		})
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	asked = 0
	if wantReason(t, v, "abc", verifier.ReasonClosed); asked != 0 {
		t.Error("asked after Close")
	}
	if _, err := verifier.New(goodPolicy(), verifier.WithOpaqueTokens(nil)); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("nil hook: error %v", err)
	}
	wantReason(t, newVerifier(t, goodPolicy()), "abc", verifier.ReasonOpaque) // without the option
}

// The hook may keep the token, whatever becomes of the caller's memory.
func TestOpaqueHookGetsItsOwnToken(t *testing.T) {
	var kept string
	v := opaqueVerifier(t, goodPolicy(), func(_ context.Context, token string) ([]byte, error) {
		kept = token
		return nil, verifier.ErrInvalidToken
	})
	buffer := []byte("opaque")
	wantReason(t, v, unsafeString(buffer), verifier.ReasonInactive)
	copy(buffer, "xxxxxx")
	if kept != "opaque" {
		t.Errorf("the hook's token became %q", kept)
	}
}

func TestOpaqueTokenIsRevokedOrCanceled(t *testing.T) {
	raw, err := json.Marshal(activeClaims())
	if err != nil {
		t.Fatal(err)
	}
	v := opaqueVerifier(t, goodPolicy(), func(ctx context.Context, _ string) ([]byte, error) { return raw, ctx.Err() },
		verifier.WithRevocation(func(_ context.Context, token *verifier.Token) (bool, error) { return token.ID() == "id-1", nil }))
	wantReason(t, v, "opaque", verifier.ReasonRevoked)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, "opaque"); reasonOf(t, err) != verifier.ReasonCanceled {
		t.Errorf("error %v", err)
	}
}
