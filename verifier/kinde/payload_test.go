package kinde_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
)

const (
	tenantURL = "https://bookshop.kinde.com"
	reader    = "7d1e0b6a94c34f0d8e52a1c7f3b6d908" // the application that people sign in to
	robot     = "b35f8e2c70914d6fa8c4e1d25b97f063" // the one that speaks for itself
)

// issued is when all payloads below were issued.
var issued = time.Unix(1_767_225_600, 0)

// tenant stands for Kinde, with one key for all tests: making it takes long.
var tenant = sync.OnceValue(func() *devissuer.Issuer {
	dev, err := devissuer.New(tenantURL)
	if err != nil {
		panic(err)
	}
	return dev
})

// signed signs exactly this payload.
func signed(tb testing.TB, payload string) string {
	tb.Helper()
	compact, err := tenant().Sign(tenant().Key().Header(), []byte(payload))
	if err != nil {
		tb.Fatal(err)
	}
	return compact
}

// tenantPolicy is the policy of cfg, with the tenant's keys at hand.
func tenantPolicy(tb testing.TB, cfg kinde.Config) verifier.Policy {
	tb.Helper()
	p, err := kinde.Policy(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	p.Issuers[0].JWKSURL, p.Issuers[0].StaticJWKS = "", tenant().JWKS()
	return p
}

// tenantVerifier judges a minute after the payloads were issued.
func tenantVerifier(tb testing.TB, p verifier.Policy, opts ...verifier.Option) *verifier.Verifier {
	tb.Helper()
	opts = append(opts, verifier.WithClock(func() time.Time { return issued.Add(time.Minute) }))
	v, err := verifier.New(p, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

var (
	registered   = kinde.Config{Domain: "bookshop", Audiences: []string{audience}}
	unregistered = kinde.Config{Domain: "bookshop", AllowAnyAudienceUnsafe: true, Clients: []string{reader, robot}}
)

// user and machine are payloads of the two kinds with more members.
func user(more string) string {
	return `{"aud":["` + audience + `"],"azp":"` + reader + `","exp":1767312000,"iat":1767225600,"iss":"` + tenantURL + `",
		"jti":"4c7f0a52-9d13-4e6b-8f20-b1c5d7e93a48","scp":["openid","profile","email","offline"],"sub":"kp_0f9e8d7c6b5a49382716"` + more + `}`
}

func machine(more string) string {
	return `{"aud":["` + audience + `"],"azp":"` + robot + `","exp":1767312000,"gty":["client_credentials"],"iat":1767225600,
		"iss":"` + tenantURL + `","jti":"a6e1c0d4-3b52-4f7a-9e88-0d2c4b6a8f13"` + more + `}`
}

// The payloads that Kinde mints.
var payloads = struct {
	noAudience, full, hasura, emptied, machine, machineOrg, machineOld, idToken, webhook, management string
}{
	noAudience: strings.Replace(user(""), `"`+audience+`"`, "", 1),
	full: user(`,"email":"lin@example.test","org_code":"org_5d2b8e1f7a0","org_name":"Lin's Shelf","external_organization_id":"crm-7",
		"permissions":["read:books","create:books"],
		"roles":[{"id":"0193aa10-0000-7000-8000-00000000b002","key":"editor","name":"Editor"}],
		"feature_flags":{"bulk_import":{"t":"b","v":true},"theme":{"t":"s","v":"plum"},"max_titles":{"t":"i","v":250},"limits":{"t":"j","v":{"rpm":60}}},
		"organization_properties":{"kp_org_city":{},"region":{"v":"eu"}},"user_properties":{"kp_usr_job_title":{"v":"Owner"}},
		"has_trial_period":true,"trial_expires_on":"2026-01-15T00:00:00Z"`),
	hasura: user(`,"x-hasura-org-code":"org_5d2b8e1f7a0","x-hasura-org-name":"Lin's Shelf","x-hasura-permissions":["read:books"],
		"x-hasura-roles":[{"id":"1","key":"editor","name":"Editor"}],"x-hasura-org-codes":["org_5d2b8e1f7a0"],
		"x-hasura-feature-flags":{"bulk_import":{"t":"b","v":true}}`),
	emptied: user(`,"org_code":"org_5d2b8e1f7a0","permissions":[],"roles":[],"feature_flags":{},"user_properties":{}`),
	machine: machine(`,"scope":"read:books write:books","scp":["read:books","write:books"],"v":"2"`),
	machineOrg: machine(`,"org_code":"org_5d2b8e1f7a0","application_properties":{"tier":{"v":"pro"}},
		"feature_flags":{"beta_sync":{"t":"b","v":true}},"scope":"","scp":[],"v":"2"`),
	machineOld: machine(`,"scope":"read:users"`),
	idToken: `{"at_hash":"bm90YWhhc2g","aud":["` + tenantURL + `","` + reader + `"],"auth_time":1767225500,"azp":"` + reader + `",
		"email":"lin@example.test","email_verified":true,"exp":1767229200,"iat":1767225600,"iss":"` + tenantURL + `","jti":"x",
		"given_name":"Lin","name":"Lin O.","org_codes":["org_5d2b8e1f7a0"],"rat":1767225490,"sub":"kp_0f9e","updated_at":1767000000}`,
	webhook: `{"data":{"user":{"id":"kp_0f9e","email":"lin@example.test","is_suspended":false,"phone":null,
		"organizations":[{"code":"org_5d2b8e1f7a0","permissions":null,"roles":null}]}},
		"event_id":"event_0193aa10","event_timestamp":"2026-01-01T00:00:00.000Z","source":"admin",
		"timestamp":"2026-01-01T10:00:00.592145+10:00","type":"user.updated"}`,
	management: strings.Replace(machine(`,"scope":"read:users"`), audience, tenantURL+"/api", 1),
}

// Every payload of Kinde's, at an API that is registered and at one that is not.
func TestPayloads(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	anyAudience := tenantVerifier(t, tenantPolicy(t, unregistered))
	for _, tt := range []struct {
		name, payload string
		want          verifier.Reason // of a registered API
		wantAny       verifier.Reason // of another one
	}{
		{"user, API not requested", payloads.noAudience, verifier.ReasonNoAudience, ""},
		{"user with everything", payloads.full, "", ""},
		{"user under Hasura's names", payloads.hasura, "", ""},
		{"user, claims emptied", payloads.emptied, "", ""},
		{"machine", payloads.machine, "", ""},
		{"machine of an organisation", payloads.machineOrg, "", ""},
		{"machine of older shape", payloads.machineOld, "", ""},
		{"management API", payloads.management, verifier.ReasonAudience, ""},
		{"ID token", payloads.idToken, verifier.ReasonWrongKind, verifier.ReasonWrongKind},
		{"webhook", payloads.webhook, verifier.ReasonIssuer, verifier.ReasonIssuer},

		{"aud as a string", strings.Replace(user(""), `["`+audience+`"]`, `"`+audience+`"`, 1), "", ""},
		{"aud of two", strings.Replace(user(""), `["`, `["https://other.example","`, 1), "", ""},
		{"aud missing", strings.Replace(user(""), `"aud"`, `"aux"`, 1), verifier.ReasonNoAudience, ""},
		{"exp as a float", strings.Replace(user(""), "1767312000", "1767312000.5", 1), "", ""},
		{"exp as a string", strings.Replace(user(""), "1767312000", `"1767312000"`, 1), verifier.ReasonMalformedClaim, verifier.ReasonMalformedClaim},
		{"exp absent", strings.Replace(user(""), `"exp"`, `"exq"`, 1), verifier.ReasonNoExpiry, verifier.ReasonNoExpiry},
		{"exp in milliseconds", strings.Replace(user(""), "1767312000", "1168335720000", 1), verifier.ReasonMalformedClaim, verifier.ReasonMalformedClaim},
		{"exp negative", strings.Replace(user(""), "1767312000", "-1", 1), verifier.ReasonMalformedClaim, verifier.ReasonMalformedClaim},
		{"exp a day ago", strings.Replace(user(""), "1767312000", "1767139200", 1), verifier.ReasonExpired, verifier.ReasonExpired},
		{"exp within the leeway", strings.Replace(user(""), "1767312000", "1767225650", 1), "", ""},
		{"iat within the leeway", strings.Replace(user(""), "1767225600", "1767225680", 1), "", ""},
		{"iat in the future", strings.Replace(user(""), "1767225600", "1767226000", 1), verifier.ReasonIssuedInFuture, verifier.ReasonIssuedInFuture},
		{"ID token known by auth_time alone", user(`,"auth_time":1767225500`), "", ""}, // scp says what it is
		{"the same without scp", strings.Replace(user(`,"auth_time":1767225500`), `"scp"`, `"sco"`, 1), verifier.ReasonWrongKind, verifier.ReasonWrongKind},
		{"scope alone", strings.Replace(user(`,"scope":"openid"`), `"scp"`, `"sco"`, 1), "", ""},
		{"no scopes at all", strings.Replace(user(""), `"scp"`, `"sco"`, 1), "", ""},
		{"other client", strings.Replace(user(""), reader, "someone", 1), "", verifier.ReasonClient},
		{"sub as a number", strings.Replace(user(""), `"kp_0f9e8d7c6b5a49382716"`, "7", 1), verifier.ReasonMalformedClaim, verifier.ReasonMalformedClaim},
		{"another domain", strings.Replace(user(""), tenantURL, "https://auth.bookshop.example", 1), verifier.ReasonIssuer, verifier.ReasonIssuer},
		{"a slash at the end", strings.Replace(user(""), tenantURL, tenantURL+"/", 1), verifier.ReasonIssuer, verifier.ReasonIssuer},
	} {
		wantReason(t, tt.name, v, signed(t, tt.payload), tt.want)
		wantReason(t, tt.name+", any audience", anyAudience, signed(t, tt.payload), tt.wantAny)
	}
}

func encoded(header string) string { return base64.RawURLEncoding.EncodeToString([]byte(header)) }

// What may stand in the header in place of a token.
func TestNoTokens(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	header := func(h string) string {
		good := signed(t, user(""))
		return encoded(h) + good[strings.IndexByte(good, '.'):]
	}
	for _, tt := range []struct {
		name, token string
		want        verifier.Reason
	}{
		{"signed out", "undefined", verifier.ReasonPlaceholder},
		{"signed out, null", "null", verifier.ReasonPlaceholder},
		{"not awaited", "[object Promise]", verifier.ReasonPlaceholder},
		{"nothing", "", verifier.ReasonNoCredentials},
		{"API key", "k_live_c0ffee", verifier.ReasonOpaque},
		{"refresh token", "u3W9xk-TzM0vQ2rL8bHnYd4sPfJ6cA1e", verifier.ReasonOpaque},
		{"none", header(`{"alg":"none"}`), verifier.ReasonAlgorithm},
		{"HMAC", header(`{"alg":"HS256"}`), verifier.ReasonAlgorithm},
		{"PS256", header(`{"alg":"PS256","kid":"` + tenant().Key().ID() + `"}`), verifier.ReasonAlgorithm},
		{"ES256", header(`{"alg":"ES256","kid":"` + tenant().Key().ID() + `"}`), verifier.ReasonAlgorithm},
		{"unknown key", header(`{"alg":"RS256","kid":"4a:1c:9e"}`), verifier.ReasonUnknownKey},
		{"kid a number", header(`{"alg":"RS256","kid":4}`), verifier.ReasonMalformed},
	} {
		wantReason(t, tt.name, v, tt.token, tt.want)
	}
}

func TestManyPermissions(t *testing.T) {
	const n = 10_000
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, `,"p:%d"`, i)
	}
	token := signed(t, user(`,"permissions":[`+list.String()[1:]+`]`))
	p := tenantPolicy(t, registered)
	wantReason(t, "by default", tenantVerifier(t, p), token, verifier.ReasonTooLarge)
	p.MaxTokenBytes = 256 << 10
	got, err := tenantVerifier(t, p).Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	c, err := kinde.ClaimsOf(got)
	if err != nil {
		t.Fatal(err)
	}
	if c.Permissions.Len() != n || !c.Permissions.HasAll("p:0", "p:9999") || c.Permissions.Has("p:10000") {
		t.Errorf("%d permissions", c.Permissions.Len())
	}
	if err := got.Require(t.Context(), kinde.Permissions("p:9999", "p:0")); err != nil {
		t.Error(err)
	}
}

func TestAccept(t *testing.T) {
	for _, tt := range []struct {
		name                string
		accept              kinde.Accept
		wantUser, wantRobot verifier.Reason
	}{
		{"default", 0, "", ""},
		{"both", kinde.AcceptUsers | kinde.AcceptMachines, "", ""},
		{"users", kinde.AcceptUsers, "", verifier.ReasonMissingClaim},
		{"machines", kinde.AcceptMachines, verifier.ReasonMissingClaim, ""},
	} {
		cfg := registered
		cfg.Accept = tt.accept
		v := tenantVerifier(t, tenantPolicy(t, cfg))
		wantReason(t, tt.name+", user", v, signed(t, user("")), tt.wantUser)
		wantReason(t, tt.name+", machine", v, signed(t, payloads.machineOld), tt.wantRobot)
	}
	cfg := registered
	cfg.Accept = 4
	_, err := kinde.Policy(cfg)
	wantError(t, "nobody", err, "Config.Accept is none of")
}

// verified returns the token of a payload.
func verified(tb testing.TB, payload string) *verifier.Token {
	tb.Helper()
	p := tenantPolicy(tb, registered)
	token, err := tenantVerifier(tb, p).Verify(tb.Context(), signed(tb, payload))
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// claimsOf returns the claims of a payload and expects just these problems, by their beginnings.
func claimsOf(tb testing.TB, payload string, problems ...string) *kinde.Claims {
	tb.Helper()
	c, err := kinde.ClaimsOf(verified(tb, payload))
	if err != nil {
		tb.Fatal(err)
	}
	var got []string
	for _, p := range c.Problems() {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(p.Error(), "kinde: "), ": "+kinde.ErrMalformed.Error()))
	}
	if !slices.Equal(got, problems) {
		tb.Errorf("problems %q, want %q", got, problems)
	}
	return c
}
