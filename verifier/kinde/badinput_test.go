package kinde_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// protected is an API that greets callers, behind a guard.
func protected(tb testing.TB, v *verifier.Verifier, opts ...guard.Option) http.Handler {
	tb.Helper()
	g, err := guard.New(v, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return httpauth.Protect(g)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "hello")
	}))
}

// called returns the status of a call with these Authorization headers, and the reason in its body.
func called(tb testing.TB, h http.Handler, method string, authorization ...string) (int, verifier.Reason) {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "/books", nil)
	r.Header["Authorization"] = authorization
	w := send(h, r)
	var body struct {
		Reason verifier.Reason `json:"reason"`
	}
	if w.Code != http.StatusOK && w.Code != http.StatusNoContent {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			tb.Errorf("status %d with the body %q", w.Code, w.Body)
		}
	}
	return w.Code, body.Reason
}

// What a front end sends by mistake is refused, and the reason tells its developer what to do.
func TestBadInputIsExplained(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://auth.bookshop.example"))
	machines := verifiertest.NewIssuer(t, verifiertest.WithURL(tenantURL))
	tenants := verifiertest.NewIssuer(t, verifiertest.WithURL("https://florist.kinde.com"))
	v := newVerifier(t, kinde.Config{Domain: issuer.URL(), Audiences: []string{verifiertest.Audience}}, issuer)
	h := protected(t, v)
	permissions := make([]string, 10_000)
	for i := range permissions {
		permissions[i] = fmt.Sprint("p:", i)
	}
	for _, tt := range []struct {
		name, token string
		want        verifier.Reason
		cause, fix  string // what these say
	}{
		{"signed out", "undefined", verifier.ReasonPlaceholder, "before sign-in had finished", "await getAccessToken()"},
		{"ID token", issuer.Token(issuer.Kinde(verifiertest.KindeIDToken)), verifier.ReasonWrongKind, "an ID token", "send the access token"},
		{"webhook", issuer.Token(issuer.Kinde(verifiertest.KindeWebhook)), verifier.ReasonIssuer, "iss", "iss"},
		{"webhook with an issuer", issuer.Token(issuer.Kinde(verifiertest.KindeWebhook), claims{
			"iss": issuer.URL(), "aud": verifiertest.Audience, "exp": time.Now().Add(time.Hour).Unix(),
		}), verifier.ReasonWrongKind, "a webhook", "send the access token"},
		{"refresh token", "u3W9xk-TzM0vQ2rL8bHnYd4sPfJ6cA1e", verifier.ReasonOpaque, "a refresh token", "send the access token"},
		{"API key", "k_live_0123456789abcdef", verifier.ReasonOpaque, "an API key", "WithOpaqueTokens"},
		{"another tenant", tenants.Token(), verifier.ReasonIssuer, "every configured issuer", "exact iss"},
		{"another tenant's key", tenants.Token(claims{"iss": issuer.URL()}), verifier.ReasonUnknownKey, "a forgery", "the same environment"},
		{"domain of machines", machines.Token(machines.Kinde(verifiertest.KindeMachine)), verifier.ReasonIssuer, "byte for byte", "a custom domain and the provider's own domain are two issuers"},
		{"management API", issuer.Token(issuer.Kinde(verifiertest.KindeManagement)), verifier.ReasonAudience, "none of the configured audiences", "request this API's audience"},
		{"API not asked for", issuer.Token(issuer.Kinde(verifiertest.KindeNoAudience)), verifier.ReasonNoAudience, "not registered, not authorised", "authorise the application for it"},
		{"exp as text", issuer.Token(claims{"exp": "tomorrow"}), verifier.ReasonMalformedClaim, "the wrong JSON type", "RFC 7519"},
		{"sub as a number", issuer.Token(claims{"sub": 7}), verifier.ReasonMalformedClaim, "the wrong JSON type", "RFC 7519"},
		{"aud as an object", issuer.Token(claims{"aud": claims{"api": true}}), verifier.ReasonMalformedClaim, "the wrong JSON type", "RFC 7519"},
		{"10,000 permissions", issuer.Token(claims{"permissions": permissions}), verifier.ReasonTooLarge, "MaxTokenBytes", "raise MaxTokenBytes"},
		{"2 MB webhook", issuer.Token(issuer.Kinde(verifiertest.KindeWebhook), claims{"data": strings.Repeat("x", 2<<20)}), verifier.ReasonTooLarge, "MaxTokenBytes", "drop large claims"},
		{"yesterday's", issuer.Token(claims{"exp": time.Now().Add(-time.Hour).Unix()}), verifier.ReasonExpired, "keep and send an old token", "refresh the token"},
	} {
		status, reason := called(t, h, http.MethodGet, "Bearer "+tt.token)
		if status != http.StatusUnauthorized || reason != tt.want {
			t.Errorf("%s: %d %s, want 401 %s", tt.name, status, reason, tt.want)
		}
		if cause, fix := reason.Cause(), reason.Fix(); !strings.Contains(cause, tt.cause) || !strings.Contains(fix, tt.fix) {
			t.Errorf("%s: cause %q lacks %q, or fix %q lacks %q", tt.name, cause, tt.cause, fix, tt.fix)
		}
	}
	if status, _ := called(t, h, http.MethodGet, "Bearer "+issuer.Token()); status != http.StatusOK {
		t.Errorf("a good token: status %d", status)
	}
}

// Claims of Kinde's own that have the wrong type refuse nothing but what they would grant.
func TestClaimsOfTheWrongTypeGrantNothing(t *testing.T) {
	token := verified(t, user(`,"permissions":"read:books","roles":{"key":"editor"},"feature_flags":[true],"org_code":7`))
	for name, need := range map[string]verifier.Requirement{
		"permissions": kinde.Permissions("read:books"), "roles": kinde.Roles("editor"), "flags": kinde.FlagOn("0"), "organisation": kinde.Organization("7"),
	} {
		err := token.Require(t.Context(), need)
		e, ok := errors.AsType[*verifier.Error](err)
		if !ok || e.Reason != verifier.ReasonRequirement || !errors.Is(err, kinde.ErrMalformed) {
			t.Errorf("%s: %v, want %s because of %v", name, err, verifier.ReasonRequirement, kinde.ErrMalformed)
		}
	}
	if fix := verifier.ReasonRequirement.Fix(); !strings.Contains(fix, "sign in again") {
		t.Errorf("fix %q", fix)
	}
}

func TestAuthorizationHeaders(t *testing.T) {
	h := protected(t, tenantVerifier(t, tenantPolicy(t, registered)))
	good := signed(t, user(""))
	for _, tt := range []struct {
		name   string
		values []string
		status int
		want   verifier.Reason
	}{
		{"as documented", []string{"Bearer " + good}, 200, ""},
		{"small letters", []string{"bearer " + good}, 200, ""},
		{"capitals", []string{"BEARER " + good}, 200, ""},
		{"two spaces", []string{"Bearer  " + good}, 200, ""}, // RFC 9110 §11.4
		{"no space", []string{"Bearer" + good}, 401, ""},     // another scheme, and so no credentials
		{"two tokens", []string{"Bearer " + good + " " + good}, 400, verifier.ReasonMalformedHeader},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, 400, verifier.ReasonMultipleCredentials},
		{"line end", []string{"Bearer " + good + "\r"}, 400, verifier.ReasonMalformedHeader},
		{"quoted", []string{`Bearer "` + good + `"`}, 400, verifier.ReasonMalformedHeader},
		{"no token", []string{"Bearer "}, 400, verifier.ReasonMalformedHeader},
		{"scheme alone", []string{"Bearer"}, 400, verifier.ReasonMalformedHeader},
		{"undefined", []string{"Bearer undefined"}, 401, verifier.ReasonPlaceholder},
		{"null", []string{"Bearer null"}, 401, verifier.ReasonPlaceholder},
		{"promise", []string{"Bearer [object Promise]"}, 401, verifier.ReasonPlaceholder},
		{"API key", []string{"Bearer k_live_abc"}, 401, verifier.ReasonOpaque},
		{"the token alone", []string{good}, 401, ""},
		{"nothing", nil, 401, ""},
	} {
		if status, reason := called(t, h, http.MethodGet, tt.values...); status != tt.status || reason != tt.want {
			t.Errorf("%s: %d %q, want %d %q", tt.name, status, reason, tt.status, tt.want)
		}
	}
}

// A browser's preflight carries no token. It passes where CORS cannot stand outside the guard,
// and is no way in.
func TestPreflights(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	preflight := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/books", nil)
	preflight.Header.Set("Origin", "https://shop.example")
	preflight.Header.Set("Access-Control-Request-Method", http.MethodGet)
	preflight.Header.Set("Access-Control-Request-Headers", "authorization")
	equal(t, "by default", send(protected(t, v), preflight).Code, http.StatusUnauthorized)
	equal(t, "allowed", send(protected(t, v, guard.WithPreflight()), preflight).Code, http.StatusOK)
	status, _ := called(t, protected(t, v, guard.WithPreflight()), http.MethodOptions)
	equal(t, "OPTIONS of something else", status, http.StatusUnauthorized)
}
