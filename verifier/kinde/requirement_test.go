package kinde_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

func TestRequirements(t *testing.T) {
	const org = `,"org_code":"org_5d2b8e1f7a0"`
	both := user(`,"permissions":["read:books"],"roles":["editor","admin"],"scope":"write:books"` + org)
	malformed := user(`,"permissions":["read:books",1],"roles":[1],"feature_flags":{"a":1},"org_code":["org_5d2b8e1f7a0"],"gty":7`)
	met, lacks := error(nil), errors.New("lacks")
	for _, tt := range []struct {
		name, payload string
		need          verifier.Requirement
		want          error // met, lacks, or why the claim is no help
	}{
		{"permission", both, kinde.Permissions("read:books"), met},
		{"permissions, one missing", both, kinde.Permissions("read:books", "delete:books"), lacks},
		{"permission in another case", both, kinde.Permissions("Read:books"), lacks},
		{"permission that is a scope", both, kinde.Permissions("write:books"), lacks},
		{"permission, absent", user(""), kinde.Permissions("read:books"), kinde.ErrAbsent},
		{"permission, emptied", payloads.emptied, kinde.Permissions("read:books"), lacks},
		{"permission, malformed", malformed, kinde.Permissions("read:books"), kinde.ErrMalformed},
		{"permission under Hasura's name", payloads.hasura, kinde.Permissions("read:books"), met},
		{"any permission", both, kinde.AnyPermission("delete:books", "read:books"), met},
		{"any permission, none", both, kinde.AnyPermission("a", "b"), lacks},
		{"any permission, malformed", malformed, kinde.AnyPermission("read:books"), kinde.ErrMalformed},

		{"permission or scope, permission", both, kinde.PermissionOrScope("read:books"), met},
		{"permission or scope, scope", both, kinde.PermissionOrScope("write:books"), met},
		{"permission or scope, one each", both, kinde.PermissionOrScope("write:books", "read:books", "openid"), met},
		{"permission or scope, one missing", both, kinde.PermissionOrScope("write:books", "delete:books"), lacks},
		{"permission or scope, machine", payloads.machine, kinde.PermissionOrScope("read:books"), met},
		{"permission or scope, machine without", payloads.machineOrg, kinde.PermissionOrScope("read:books"), kinde.ErrAbsent},
		{"permission or scope, malformed", malformed, kinde.PermissionOrScope("read:books"), kinde.ErrMalformed},

		{"roles", both, kinde.Roles("editor", "admin"), met},
		{"roles, one missing", both, kinde.Roles("editor", "owner"), lacks},
		{"roles, absent", user(""), kinde.Roles("editor"), kinde.ErrAbsent},
		{"roles, malformed", malformed, kinde.Roles("editor"), kinde.ErrMalformed},
		{"roles under Hasura's name", payloads.hasura, kinde.Roles("editor"), met},
		{"any role", both, kinde.AnyRole("owner", "admin"), met},
		{"any role, none", both, kinde.AnyRole("owner"), lacks},

		{"flag", payloads.full, kinde.FlagOn("bulk_import"), met},
		{"flag of text", payloads.full, kinde.FlagOn("theme"), lacks},
		{"flag that is off", user(`,"feature_flags":{"a":{"t":"b","v":false}}`), kinde.FlagOn("a"), lacks},
		{"flag as text", user(`,"feature_flags":{"a":{"t":"b","v":"true"}}`), kinde.FlagOn("a"), lacks},
		{"flag without kind", user(`,"feature_flags":{"a":{"v":true}}`), kinde.FlagOn("a"), lacks},
		{"flag that is not there", payloads.full, kinde.FlagOn("a"), lacks},
		{"flags absent", user(""), kinde.FlagOn("a"), kinde.ErrAbsent},
		{"flags malformed", user(`,"feature_flags":[]`), kinde.FlagOn("a"), kinde.ErrMalformed},
		{"flag under Hasura's name", payloads.hasura, kinde.FlagOn("bulk_import"), met},

		{"organisation", both, kinde.Organization("org_5d2b8e1f7a0"), met},
		{"another organisation", both, kinde.Organization("org_5d2b8e1f7a1"), lacks},
		{"no organisation", user(""), kinde.Organization("org_5d2b8e1f7a0"), kinde.ErrAbsent},
		{"organisation, malformed", malformed, kinde.Organization("org_5d2b8e1f7a0"), kinde.ErrMalformed},
		{"organisation of a machine", payloads.machineOrg, kinde.Organization("org_5d2b8e1f7a0"), met},
		{"organisation under Hasura's name", payloads.hasura, kinde.Organization("org_5d2b8e1f7a0"), met},
		{"organisation that is a list elsewhere", user(`,"org_codes":["org_5d2b8e1f7a0"]`), kinde.Organization("org_5d2b8e1f7a0"), kinde.ErrAbsent},

		{"users, user", both, kinde.Users(), met},
		{"users, machine", payloads.machine, kinde.Users(), lacks},
		{"users, both", user(`,"gty":["client_credentials"]`), kinde.Users(), lacks},
		{"users, malformed", malformed, kinde.Users(), lacks},
		{"machines, machine", payloads.machineOld, kinde.Machines(), met},
		{"machines, user", both, kinde.Machines(), lacks},
		{"machines, both", user(`,"gty":["client_credentials"]`), kinde.Machines(), lacks},

		{"route, scope", machine(`,"scope":"get:users_userid"`), kinde.ScopeForRoute("GET /users/{userId}"), met},
		{"route, permission", user(`,"permissions":["get:users_userid"]`), kinde.ScopeForRoute("GET /users/{userId}"), met},
		{"route, another", machine(`,"scope":"get:users"`), kinde.ScopeForRoute("GET /users/{userId}"), kinde.ErrAbsent},
	} {
		err := verified(t, tt.payload).Require(t.Context(), tt.need)
		switch {
		case tt.want == nil && err != nil:
			t.Errorf("%s: %v", tt.name, errors.Unwrap(err))
		case tt.want == nil:
		case !errors.Is(err, verifier.ErrForbidden):
			t.Errorf("%s: %v, want %v", tt.name, err, verifier.ErrForbidden)
		case errors.Is(tt.want, lacks) && (errors.Is(err, kinde.ErrAbsent) || errors.Is(err, kinde.ErrMalformed)),
			!errors.Is(tt.want, lacks) && !errors.Is(err, tt.want):
			t.Errorf("%s: cause of %v is not %v", tt.name, err, tt.want)
		}
	}
}

// A requirement that demands nothing is a mistake, and denies.
func TestEmptyRequirementsDeny(t *testing.T) {
	token := verified(t, user(`,"permissions":[""],"roles":["a"],"feature_flags":{"":{"t":"b","v":true}},"scope":"x"`))
	for name, need := range map[string]verifier.Requirement{
		"permissions": kinde.Permissions(""), "more permissions": kinde.Permissions("", "a"), "any permission": kinde.AnyPermission("a", ""),
		"permission or scope": kinde.PermissionOrScope(""), "no scope": kinde.PermissionOrScope("read books"), "roles": kinde.Roles("a", ""),
		"any role": kinde.AnyRole(""), "flag": kinde.FlagOn(""), "organisation": kinde.Organization(""), "route": kinde.ScopeForRoute("/users"),
	} {
		if err := token.Require(t.Context(), need); !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A refusal tells the client which scopes to ask for, and of permissions nothing.
func TestChallenges(t *testing.T) {
	token := verified(t, user(""))
	err := token.Require(t.Context(), kinde.Users(), kinde.PermissionOrScope("read:books", "write:books"))
	if e, ok := errors.AsType[*verifier.Error](err); !ok || e.Reason != verifier.ReasonScope || !slices.Equal(e.Scopes, []string{"read:books", "write:books"}) {
		t.Errorf("scopes: %v", err)
	}
	err = token.Require(t.Context(), kinde.Permissions("read:books"))
	if e, ok := errors.AsType[*verifier.Error](err); !ok || e.Reason != verifier.ReasonRequirement || len(e.Scopes) != 0 {
		t.Errorf("permissions: %v", err)
	}
}

func TestRequirementsAreNamed(t *testing.T) {
	for want, need := range map[string]verifier.Requirement{
		"permissions": kinde.Permissions("a"), "any permission": kinde.AnyPermission("a"), "permission or scope": kinde.PermissionOrScope("a"),
		"roles": kinde.Roles("a"), "any role": kinde.AnyRole("a"), "feature flag": kinde.FlagOn("a"), "organization": kinde.Organization("org_1"),
		"users": kinde.Users(), "machines": kinde.Machines(),
	} {
		if need.Name() != want {
			t.Errorf("name %q, want %q", need.Name(), want)
		}
	}
}

func TestRouteScope(t *testing.T) {
	for pattern, want := range map[string]string{
		"GET /users/{userId}":                "get:users_userid",
		"POST /users":                        "post:users",
		"DELETE /books/{id}/pages/{page_no}": "delete:books_id_pages_page_no",
		"GET api.example.com/v1/books":       "get:v1_books",
		"GET /v1.2/a-b":                      "get:v1_2_a_b",
		"GET /files/{path...}":               "get:files_path",
		"GET /users/{$}":                     "get:users_",
		"GET \t/users":                       "get:users",
		"GET /b\u00fccher":                   "get:b_cher",
		"GET /" + strings.Repeat("a", 60):    "get:" + strings.Repeat("a", 60),

		"/users": "", "GET": "", "GET users": "", " /users": "", "": "", "GET /": "", "GET /{$}": "", "GET /" + strings.Repeat("a", 61): "",
	} {
		got, err := kinde.RouteScope(pattern)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: scope %q, error %v; want %q", pattern, got, err, want)
		}
	}
}
