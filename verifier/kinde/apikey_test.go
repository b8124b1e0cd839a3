package kinde_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// keyVerifier takes API keys; it judges by the real clock.
func keyVerifier(tb testing.TB, cfg kinde.Config, lookup func(context.Context, string) (*kinde.APIKey, error)) *verifier.Verifier {
	tb.Helper()
	p := tenantPolicy(tb, cfg)
	v, err := verifier.New(p, kinde.APIKeys(p, lookup))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

// answer is what Kinde says of a key.
const answer = `{"code":"API_KEY_VERIFIED","message":"ok","is_valid":true,"status":"active","key_id":"api_key_01","scopes":["read:books"],
	"org_code":"org_5d2b8e1f7a0","user_id":"kp_0f9e","last_verified_on":"2026-01-01T00:00:00Z","verification_count":3}`

func decoded(tb testing.TB, text string) *kinde.APIKey {
	tb.Helper()
	var key kinde.APIKey
	if err := json.Unmarshal([]byte(text), &key); err != nil {
		tb.Fatal(err)
	}
	return &key
}

func TestAPIKeys(t *testing.T) {
	v := keyVerifier(t, registered, func(_ context.Context, key string) (*kinde.APIKey, error) {
		equal(t, "key", key, "k_live_c0ffee")
		return decoded(t, answer), nil
	})
	token, err := v.Verify(t.Context(), "k_live_c0ffee")
	if err != nil {
		t.Fatal(errors.Unwrap(err))
	}
	c, err := kinde.ClaimsOf(token)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "principal", c.Principal(), kinde.KeyHolder)
	equal(t, "actor", c.Actor(), "kp_0f9e")
	equal(t, "client", c.Client, "api_key_01")
	equal(t, "org", c.Org.Code, "org_5d2b8e1f7a0")
	equal(t, "issuer", c.Issuer, tenantURL)
	equal(t, "problems", len(c.Problems()), 0)
	for name, tt := range map[string]struct {
		need verifier.Requirement
		met  bool
	}{
		"its scope":            {verifier.Scopes("read:books"), true},
		"its scope, otherwise": {kinde.PermissionOrScope("read:books"), true},
		"another scope":        {verifier.Scopes("write:books"), false},
		"a permission":         {kinde.Permissions("read:books"), false},
		"its organisation":     {kinde.Organization("org_5d2b8e1f7a0"), true},
		"another organisation": {kinde.Organization("org_1"), false},
		"a user":               {kinde.Users(), false},
		"a machine":            {kinde.Machines(), false},
	} {
		if err := token.Require(t.Context(), tt.need); (err == nil) != tt.met {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPIKeysThatAreRefused(t *testing.T) {
	clients := registered
	clients.Clients = []string{"api_key_02"}
	users := registered
	users.Accept = kinde.AcceptUsers
	for _, tt := range []struct {
		name, token string
		cfg         kinde.Config
		key         *kinde.APIKey
		err         error
		want        verifier.Reason
		asked       bool
	}{
		{"good", "k_live_1", registered, decoded(t, answer), nil, "", true},
		{"invalid", "k_live_1", registered, &kinde.APIKey{ID: "x", Status: "active"}, nil, verifier.ReasonInactive, true},
		{"revoked", "k_live_1", registered, &kinde.APIKey{ID: "x", Valid: true, Status: "revoked"}, nil, verifier.ReasonInactive, true},
		{"no status", "k_live_1", registered, &kinde.APIKey{ID: "x", Valid: true}, nil, verifier.ReasonInactive, true},
		{"no id", "k_live_1", registered, &kinde.APIKey{Valid: true, Status: "active"}, nil, verifier.ReasonIntrospectionUnavailable, true},
		{"nothing", "k_live_1", registered, nil, nil, verifier.ReasonIntrospectionUnavailable, true},
		{"unknown", "k_live_1", registered, nil, fmt.Errorf("404: %w", verifier.ErrInvalidToken), verifier.ReasonInactive, true},
		{"nobody can tell", "k_live_1", registered, decoded(t, answer), errors.New("429"), verifier.ReasonIntrospectionUnavailable, true},
		{"refresh token", "u3W9xk-TzM0vQ2rL", registered, decoded(t, answer), nil, verifier.ReasonInactive, false},
		{"signed out", "undefined", registered, decoded(t, answer), nil, verifier.ReasonPlaceholder, false},
		{"another id", "k_live_1", clients, decoded(t, answer), nil, verifier.ReasonClient, true},
		{"of nobody", "k_live_1", users, &kinde.APIKey{ID: "x", Valid: true, Status: "active"}, nil, verifier.ReasonMissingClaim, true},
		{"of a user", "k_live_1", users, decoded(t, answer), nil, "", true},
	} {
		asked := false
		v := keyVerifier(t, tt.cfg, func(context.Context, string) (*kinde.APIKey, error) {
			asked = true
			return tt.key, tt.err
		})
		wantReason(t, tt.name, v, tt.token, tt.want)
		equal(t, tt.name+", asked", asked, tt.asked)
	}
}

func TestAPIKeysOfNothing(t *testing.T) {
	p := tenantPolicy(t, registered)
	if _, err := verifier.New(p, kinde.APIKeys(p, nil)); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("without a function: %v", err)
	}
	lookup := func(context.Context, string) (*kinde.APIKey, error) { return nil, nil }
	if _, err := verifier.New(p, kinde.APIKeys(verifier.Policy{}, lookup)); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("without a policy: %v", err)
	}
	p.Issuers[0].Audiences, p.Audiences = p.Audiences, nil
	v, err := verifier.New(p, kinde.APIKeys(p, func(context.Context, string) (*kinde.APIKey, error) { return decoded(t, answer), nil }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	wantReason(t, "audiences of the issuer", v, "k_live_1", "")
}
