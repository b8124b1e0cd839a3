package devissuer_test

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

// mint returns the decoded header and payload of a minted token.
func mint(t *testing.T, issuer *devissuer.Issuer, claims devissuer.Claims) (header, payload map[string]any) {
	t.Helper()
	token, err := issuer.Mint(claims)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	for n, into := range []*map[string]any{&header, &payload} {
		if err := json.Unmarshal(decode(t, parts[n]), into); err != nil {
			t.Fatal(err)
		}
	}
	return header, payload
}

func TestMintDefaults(t *testing.T) {
	issuer := newIssuer(t, issuerURL, devissuer.WithClock(at(noon)))
	header, payload := mint(t, issuer, nil)
	if want := map[string]any{"alg": "RS256", "kid": issuer.Key().ID(), "typ": "JWT"}; !reflect.DeepEqual(header, want) {
		t.Errorf("header %v, want %v", header, want)
	}
	jti, _ := payload["jti"].(string)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(jti) {
		t.Errorf("jti %q is no UUID of version 4", jti)
	}
	if _, second := mint(t, issuer, nil); second["jti"] == jti {
		t.Error("two tokens have one jti")
	}
	delete(payload, "jti")
	want := map[string]any{
		"iss": issuerURL,
		"sub": devissuer.DefaultSubject,
		"aud": []any{},
		"azp": devissuer.DefaultClientID,
		"iat": float64(noon.Unix()),
		"exp": float64(noon.Unix() + 86400),
		"scp": []any{"openid", "profile", "email", "offline"},
	}
	if !reflect.DeepEqual(payload, want) {
		t.Errorf("payload %v, want %v", payload, want)
	}
	if !regexp.MustCompile(`^kp_[0-9a-f]{32}$`).MatchString(devissuer.DefaultSubject) {
		t.Error("the default subject has another shape")
	}
}

func TestMintOptionsAndOverrides(t *testing.T) {
	second := float64(noon.Unix())
	tests := []struct {
		name   string
		opts   []devissuer.Option
		claims devissuer.Claims
		claim  string
		want   any // nil: absent
	}{
		{"lifetime", []devissuer.Option{devissuer.WithLifetime(time.Minute)}, nil, "exp", second + 60},
		{"audience", []devissuer.Option{devissuer.WithAudience("a", "b")}, nil, "aud", []any{"a", "b"}},
		{"no audience", []devissuer.Option{devissuer.WithAudience()}, nil, "aud", []any{}},
		{"replaced", nil, devissuer.Claims{"aud": "api"}, "aud", "api"},
		{"added", nil, devissuer.Claims{"nbf": 7}, "nbf", float64(7)},
		{"removed", nil, devissuer.Claims{"exp": devissuer.Omit}, "exp", nil},
		{"past", nil, devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)}, "exp", second - 3600},
		{"future", nil, devissuer.Claims{"nbf": devissuer.FromNow(90 * time.Second)}, "nbf", second + 90},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t, issuerURL, append(test.opts, devissuer.WithClock(at(noon)))...)
			_, payload := mint(t, issuer, test.claims)
			got, present := payload[test.claim]
			if present != (test.want != nil) || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s = %v (present %t), want %v", test.claim, got, present, test.want)
			}
		})
	}
}

func TestMintNullClaim(t *testing.T) {
	_, payload := mint(t, newIssuer(t, issuerURL), devissuer.Claims{"permissions": nil})
	if got, present := payload["permissions"]; !present || got != nil {
		t.Errorf("permissions = %v (present %t), want null", got, present)
	}
}

func TestMintRefusesWhatJSONCannotExpress(t *testing.T) {
	if token, err := newIssuer(t, issuerURL).Mint(devissuer.Claims{"x": math.NaN()}); err == nil || token != "" {
		t.Errorf("token %q, error %v", token, err)
	}
}

func TestShapes(t *testing.T) {
	tests := []struct {
		name   string
		claims devissuer.Claims
		want   string
	}{
		{"user", devissuer.UserClaims(), "aud azp email exp feature_flags has_trial_period iat iss jti org_code org_name " +
			"organization_properties permissions roles scp sub trial_expires_on user_properties"},
		{"machine", devissuer.MachineClaims("read:books"), "aud azp exp gty iat iss jti scope scp v"},
		{"ID token", devissuer.IDTokenClaims(), "at_hash aud auth_time azp email email_verified exp family_name " +
			"given_name iat iss jti name org_codes preferred_username rat sub updated_at"},
		{"webhook", devissuer.WebhookClaims(), "data event_id event_timestamp source timestamp type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, payload := mint(t, newIssuer(t, issuerURL), test.claims)
			if got := strings.Join(slices.Sorted(maps.Keys(payload)), " "); got != test.want {
				t.Errorf("claims\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestMachineScopesAgree(t *testing.T) {
	tests := []struct {
		scopes []string
		scope  string
		scp    []any
	}{
		{nil, "", []any{}},
		{[]string{"read:books", "write:books"}, "read:books write:books", []any{"read:books", "write:books"}},
	}
	for _, test := range tests {
		_, payload := mint(t, newIssuer(t, issuerURL), devissuer.MachineClaims(test.scopes...))
		if payload["scope"] != test.scope || !reflect.DeepEqual(payload["scp"], test.scp) {
			t.Errorf("scope %v, scp %v; want %q, %v", payload["scope"], payload["scp"], test.scope, test.scp)
		}
	}
}

func TestSignKeepsEveryByte(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	header, payload := " {\"alg\":\"none\",\"alg\":1}\n", "not JSON \x00\xff"
	token, err := issuer.Sign([]byte(header), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if got := string(decode(t, parts[0])); got != header {
		t.Errorf("header %q, want %q", got, header)
	}
	if got := string(decode(t, parts[1])); got != payload {
		t.Errorf("payload %q, want %q", got, payload)
	}
	want, err := issuer.Key().Sign([]byte(parts[0] + "." + parts[1]))
	if err != nil {
		t.Fatal(err)
	}
	// RSASSA-PKCS1-v1_5 is deterministic.
	if string(decode(t, parts[2])) != string(want) {
		t.Error("the signature is not the current key's over these bytes")
	}
}
