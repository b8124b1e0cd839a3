package kinde_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

func equal[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestClaimsOfAUser(t *testing.T) {
	c := claimsOf(t, payloads.full)
	equal(t, "issuer", c.Issuer, tenantURL)
	equal(t, "subject", c.Subject, "kp_0f9e8d7c6b5a49382716")
	equal(t, "client", c.Client, reader)
	equal(t, "id", c.ID, "4c7f0a52-9d13-4e6b-8f20-b1c5d7e93a48")
	equal(t, "audience", strings.Join(c.Audience, " "), audience)
	equal(t, "lifetime", c.ExpiresAt.Sub(c.IssuedAt), 24*time.Hour)
	equal(t, "org", c.Org, kinde.Org{Code: "org_5d2b8e1f7a0", Name: "Lin's Shelf", ExternalID: "crm-7"})
	equal(t, "email", c.Email, "lin@example.test")
	equal(t, "scopes", strings.Join(slices.Collect(c.Scopes.All()), " "), "openid profile email offline")
	equal(t, "permissions", strings.Join(slices.Collect(c.Permissions.All()), " "), "read:books create:books")
	equal(t, "roles", slices.Collect(c.Roles.All())[0], kinde.Role{ID: "0193aa10-0000-7000-8000-00000000b002", Key: "editor", Name: "Editor"})
	equal(t, "grants", c.Grants.Present(), false)
	equal(t, "principal", c.Principal(), kinde.User)
	equal(t, "actor", c.Actor(), c.Subject)
	equal(t, "trial", c.Trial.Active, true)
	equal(t, "trial ends", c.Trial.Ends.Format(time.DateOnly), "2026-01-15")

	equal(t, "flag on", c.Flags.On("bulk_import"), true)
	theme, ok := c.Flags.Text("theme")
	equal(t, "text flag", theme+fmt.Sprint(ok), "plumtrue")
	titles, ok := c.Flags.Int("max_titles")
	equal(t, "int flag", fmt.Sprint(titles, ok), "250 true")
	limits, ok := c.Flags.JSON("limits")
	equal(t, "JSON flag", string(limits)+fmt.Sprint(ok), `{"rpm":60}true`)
	equal(t, "flags", len(slices.Collect(c.Flags.Keys())), 4)

	region, ok := c.OrgProperties.Text("region")
	equal(t, "property", region+fmt.Sprint(ok), "eutrue")
	_, ok = c.OrgProperties.JSON("kp_org_city")
	equal(t, "property without value", ok, false)
	equal(t, "property without value is there", c.OrgProperties.Has("kp_org_city"), true)
	title, _ := c.UserProperties.JSON("kp_usr_job_title")
	equal(t, "property as JSON", string(title), `"Owner"`)
	equal(t, "properties", len(slices.Collect(c.OrgProperties.Keys())), 2)
	equal(t, "application properties", c.ApplicationProperties.Present(), false)
}

func TestClaimsUnderHasurasNames(t *testing.T) {
	c := claimsOf(t, payloads.hasura)
	equal(t, "org", c.Org, kinde.Org{Code: "org_5d2b8e1f7a0", Name: "Lin's Shelf"})
	equal(t, "orgs", c.OrgCodes.Has("org_5d2b8e1f7a0"), true)
	equal(t, "permission", c.Permissions.Has("read:books"), true)
	equal(t, "role", c.Roles.Has("editor"), true)
	equal(t, "flag", c.Flags.On("bulk_import"), true)

	// The plain name wins, whatever it says.
	c = claimsOf(t, user(`,"permissions":[],"x-hasura-permissions":["admin"],"roles":7,"x-hasura-roles":["admin"]`), "roles")
	equal(t, "permission", c.Permissions.Has("admin") || !c.Permissions.Present(), false)
	equal(t, "role", c.Roles.Has("admin") || c.Roles.Present(), false)
}

func TestClaimsOfMachines(t *testing.T) {
	for _, tt := range []struct {
		name, payload, scopes string
	}{
		{"global", payloads.machine, "read:books write:books"},
		{"of an organisation", payloads.machineOrg, ""},
		{"older shape", payloads.machineOld, "read:users"},
	} {
		c := claimsOf(t, tt.payload)
		equal(t, tt.name+", subject", c.Subject, "")
		equal(t, tt.name+", principal", c.Principal(), kinde.Machine)
		equal(t, tt.name+", actor", c.Actor(), robot)
		equal(t, tt.name+", scopes", strings.Join(slices.Collect(c.Scopes.All()), " "), tt.scopes)
		equal(t, tt.name+", has scopes", c.Scopes.Present(), true)
	}
	c := claimsOf(t, payloads.machineOrg)
	equal(t, "org", c.Org.Code, "org_5d2b8e1f7a0")
	tier, _ := c.ApplicationProperties.Text("tier")
	equal(t, "property", tier, "pro")
	equal(t, "flag", c.Flags.On("beta_sync"), true)
	// scp and scope that differ: the union.
	c = claimsOf(t, machine(`,"scope":"a b","scp":["b","c"]`))
	equal(t, "scopes", strings.Join(slices.Collect(c.Scopes.All()), " "), "a b c")
}

func TestAbsentEmptyAndMalformedDiffer(t *testing.T) {
	absent, empty := claimsOf(t, user("")), claimsOf(t, payloads.emptied)
	for what, present := range map[string][2]bool{
		"permissions": {absent.Permissions.Present(), empty.Permissions.Present()},
		"roles":       {absent.Roles.Present(), empty.Roles.Present()},
		"flags":       {absent.Flags.Present(), empty.Flags.Present()},
		"properties":  {absent.UserProperties.Present(), empty.UserProperties.Present()},
	} {
		equal(t, what, present, [2]bool{false, true})
	}
	equal(t, "no scopes", claimsOf(t, strings.Replace(user(""), `"scp"`, `"sco"`, 1)).Scopes.Present(), false)
	equal(t, "length of absent", absent.Permissions.Len()+absent.Roles.Len()+empty.Roles.Len(), 0)
}

// A malformed claim reads as absent and is told; the rest of the token stands.
func TestMalformedClaims(t *testing.T) {
	for _, tt := range []struct{ claim, value string }{
		{"permissions", "null"}, {"permissions", `["read:books",7]`}, {"permissions", `"read:books"`}, {"permissions", `{"read:books":true}`},
		{"permissions", `[["read:books"]]`}, {"permissions", "true"}, {"permissions", `[null]`},
		{"roles", "null"}, {"roles", "1"}, {"roles", `{"key":"editor"}`}, {"roles", `[{"id":"1"}]`}, {"roles", `[{"key":""}]`}, {"roles", `[""]`},
		{"roles", `[{"key":"editor"},7]`}, {"roles", `[{"key":["editor"]}]`}, {"roles", `[{"key":"editor","name":1}]`},
		{"org_code", "null"}, {"org_code", `""`}, {"org_code", `["org_5d2b8e1f7a0"]`}, {"org_code", "1"},
		{"org_name", "1"}, {"external_org_id", "null"}, {"org_codes", `"org_1"`}, {"email", `{"v":"x"}`},
		{"feature_flags", "null"}, {"feature_flags", "[]"}, {"feature_flags", `"on"`},
		{"user_properties", "[]"}, {"organization_properties", "null"}, {"application_properties", `"x"`},
		{"gty", `"client_credentials"`}, {"has_trial_period", `"true"`}, {"trial_expires_on", `"soon"`}, {"trial_expires_on", "1767225600"},
	} {
		name := tt.claim + " " + tt.value
		c := claimsOf(t, user(`,"`+tt.claim+`":`+tt.value), tt.claim)
		if c.Permissions.Present() || c.Roles.Present() || c.Flags.Present() || c.Org != (kinde.Org{}) || c.OrgCodes.Present() || c.Email != "" ||
			c.UserProperties.Present() || c.OrgProperties.Present() || c.ApplicationProperties.Present() || c.Grants.Present() || c.Trial != (kinde.Trial{}) {
			t.Errorf("%s does not read as absent", name)
		}
		for _, p := range c.Problems() {
			if !errors.Is(p, kinde.ErrMalformed) {
				t.Errorf("%s: problem %v", name, p)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	c := claimsOf(t, user(`,"feature_flags":{"on":{"t":"b","v":true},"off":{"t":"b","v":false},"new":{"t":"q","v":true},"bare":true,
		"none":{"t":"b"},"kindless":{"v":true},"text":{"t":"b","v":"true"},"one":{"t":"b","v":1},"big":{"t":"i","v":5000000000},
		"huge":{"t":"i","v":9223372036854775808},"part":{"t":"i","v":2.5},"least":{"t":"i","v":-9223372036854775808},
		"number":{"t":"s","v":1},"nothing":{"t":"j","v":null},"numeric":{"t":1,"v":true},"null":null,"void":{"t":"j"}}`),
		"feature_flags.bare", "feature_flags.huge", "feature_flags.kindless", "feature_flags.none", "feature_flags.null",
		"feature_flags.number", "feature_flags.numeric", "feature_flags.one", "feature_flags.part", "feature_flags.text", "feature_flags.void")
	for key, on := range map[string]bool{
		"on": true, "off": false, "new": false, "bare": false, "none": false, "kindless": false, "text": false, "one": false, "absent": false, "numeric": false,
	} {
		equal(t, key, c.Flags.On(key), on)
	}
	v, ok := c.Flags.Bool("off")
	equal(t, "off", fmt.Sprint(v, ok), "false true")
	v, ok = c.Flags.Bool("new")
	equal(t, "a kind that is new", fmt.Sprint(v, ok), "true false")
	kind, ok := c.Flags.Kind("new")
	equal(t, "kind", string(kind)+fmt.Sprint(ok), "qtrue")
	raw, ok := c.Flags.JSON("new")
	equal(t, "JSON of it", string(raw)+fmt.Sprint(ok), "truetrue")
	raw, ok = c.Flags.JSON("nothing")
	equal(t, "JSON null", string(raw)+fmt.Sprint(ok), "nulltrue")
	n, ok := c.Flags.Int("big")
	equal(t, "beyond 32 bits", fmt.Sprint(n, ok), "5000000000 true")
	n, ok = c.Flags.Int("least")
	equal(t, "least", fmt.Sprint(n, ok), "-9223372036854775808 true")
	_, ok = c.Flags.Int("on")
	equal(t, "a boolean as a number", ok, false)
	_, ok = c.Flags.Text("on")
	equal(t, "a boolean as a text", ok, false)
	_, ok = c.Flags.Kind("huge")
	equal(t, "a malformed flag", ok, false)
}

func TestRoles(t *testing.T) {
	for value, want := range map[string]string{
		`[{"id":"1","key":"a","name":"A"},{"key":"b"}]`: "a b", `["a","b"]`: "a b", `"a b"`: "a b", `"a"`: "a", `""`: "", `[]`: "", `["a",{"key":"b"}]`: "a b",
	} {
		c := claimsOf(t, user(`,"roles":`+value))
		var keys []string
		for r := range c.Roles.All() {
			keys = append(keys, r.Key)
		}
		equal(t, value, strings.Join(keys, " "), want)
		equal(t, value+" is there", c.Roles.Present(), true)
		equal(t, value+" all", c.Roles.HasAll("a", "b"), want == "a b")
		equal(t, value+" any", c.Roles.HasAny("x", "a"), want != "")
	}
}

func TestProperties(t *testing.T) {
	c := claimsOf(t, user(`,"user_properties":{"a":{"v":null},"b":{"v":7},"c":7,"d":{"x":1}}`), "user_properties.c")
	raw, ok := c.UserProperties.JSON("a")
	equal(t, "null", string(raw)+fmt.Sprint(ok), "nulltrue")
	_, ok = c.UserProperties.Text("b")
	equal(t, "number as text", ok, false)
	equal(t, "malformed", c.UserProperties.Has("c"), false)
	_, ok = c.UserProperties.JSON("d")
	equal(t, "without value", ok, false)
}

func TestTrials(t *testing.T) {
	c := claimsOf(t, user(`,"billing":{"has_payment_details":true,"has_trial_period":true,"trial_expires_on":"2026-02-01T00:00:00+10:00"}`))
	equal(t, "inside billing", c.Trial.Active && c.Trial.Ends.Equal(time.Date(2026, 1, 31, 14, 0, 0, 0, time.UTC)), true)
	c = claimsOf(t, user(`,"has_trial_period":false,"billing":{"has_trial_period":true}`))
	equal(t, "the top level wins", c.Trial.Active, false)
	claimsOf(t, user(`,"billing":{"has_trial_period":"yes"}`), "billing.has_trial_period")
}

func TestPrincipals(t *testing.T) {
	withoutSub := strings.Replace(user(""), `"sub"`, `"sux"`, 1)
	for _, tt := range []struct {
		name, payload string
		want          kinde.Principal
		problems      []string
	}{
		{"user", user(""), kinde.User, nil},
		{"user with another grant", user(`,"gty":["authorization_code"]`), kinde.User, nil},
		{"user with a machine's grant", user(`,"gty":["client_credentials"]`), kinde.Unknown, nil},
		{"user with a malformed grant", user(`,"gty":"client_credentials"`), kinde.Unknown, []string{"gty"}},
		{"user with a key's grant", user(`,"gty":["keychorus:api_key"]`), kinde.KeyHolder, nil},
		{"both grants", machine(`,"x":1`), kinde.Machine, nil},
		{"neither", withoutSub, kinde.Unknown, nil},
	} {
		equal(t, tt.name, claimsOf(t, tt.payload, tt.problems...).Principal(), tt.want)
	}
	for p, want := range map[kinde.Principal]string{kinde.User: "user", kinde.Machine: "machine", kinde.KeyHolder: "key holder", kinde.Unknown: "unknown", 9: "unknown"} {
		equal(t, "text", p.String(), want)
	}
}

func TestClaimsOfNothing(t *testing.T) {
	if c, err := kinde.ClaimsOf(nil); c != nil || !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("claims %v, error %v", c, err)
	}
}

func TestClaimsPrintNothing(t *testing.T) {
	c := claimsOf(t, payloads.full)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "claims", c)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %d", c, *c, c, c, c), string(encoded), logged.String()} {
		if strings.Contains(text, "lin@example.test") || strings.Contains(text, "org_5d2b8e1f7a0") || !strings.Contains(text, "redacted") {
			t.Errorf("printed %s", text)
		}
	}
}
