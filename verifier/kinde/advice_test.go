package kinde_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// What goes wrong with Kinde is explained with the names of Kinde's own settings.
func TestExplanationsNameThePlacesInKinde(t *testing.T) {
	iss, err := devissuer.New("https://bookshop.kinde.com", devissuer.WithAudience(audience))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := kinde.Policy(kinde.Config{Domain: "bookshop", Audiences: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(policy, verifier.WithHTTPClient(&http.Client{Transport: iss.RoundTripper()}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	mint := func(c devissuer.Claims) string {
		token, err := iss.Mint(c)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, tt := range []struct {
		name, token, diagnosis string
		fixes                  []string
	}{
		{"no audience", mint(devissuer.Claims{"aud": []string{}}), "audience_empty", []string{"Settings, APIs", "authorise the front end's application", "<KindeProvider audience", "sign in again"}},
		{"an ID token", mint(devissuer.IDTokenClaims()), "id_token", []string{"getAccessToken()"}},
		{"a webhook", mint(devissuer.WebhookClaims()), "webhook", []string{"kinde.WebhookHandler"}},
		{"another tenant", mint(devissuer.Claims{"iss": "https://library.kinde.com"}), "issuer_tenant", []string{"environment"}},
		{"a custom domain", mint(devissuer.Claims{"iss": "https://auth.bookshop.example"}), "issuer_custom_domain", []string{"ExtraDomains"}},
		{"the management API", mint(devissuer.Claims{"aud": "https://bookshop.kinde.com/api"}), "audience_issuer", []string{"Management API"}},
		{"before sign-in", "undefined", "undefined", []string{"isAuthenticated"}},
		{"an API key", "k_live_0123456789", "api_key", []string{"access token", "kinde.APIKeys"}},
		{"an old token", mint(devissuer.Claims{"exp": devissuer.FromNow(-3600e9)}), "expired", []string{"getAccessToken()"}},
	} {
		r := v.Explain(t.Context(), tt.token)
		if r.Diagnosis != tt.diagnosis {
			t.Errorf("%s: %s", tt.name, r)
		}
		for _, want := range tt.fixes {
			if !slices.ContainsFunc(r.Fixes, func(f string) bool { return strings.Contains(f, want) }) {
				t.Errorf("%s: no advice holds %q: %q", tt.name, want, r.Fixes)
			}
		}
	}
}
