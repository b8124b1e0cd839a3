package kinde

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// Permissions requires all of the given permissions, which the token holds for the
// organisation that its user signed in to. An empty key denies, as
// [verifier.ErrMisconfigured].
func Permissions(first string, more ...string) verifier.Requirement {
	return keyed("permissions", "all of the permissions ", first, more, func(t *verifier.Token, keys []string) error {
		have, err := permissionsOf(t)
		return judged(err, "permissions", have.HasAll(keys[0], keys[1:]...))
	})
}

// AnyPermission requires at least one of the given permissions. An empty key denies, as
// [verifier.ErrMisconfigured].
func AnyPermission(first string, more ...string) verifier.Requirement {
	return keyed("any permission", "any of the permissions ", first, more, func(t *verifier.Token, keys []string) error {
		have, err := permissionsOf(t)
		return judged(err, "permissions", have.HasAny(keys[0], keys[1:]...))
	})
}

// PermissionOrScope requires each of the given names, be it as a permission or as a scope: for
// APIs that users call with permissions and machines with scopes, and for API scopes, which
// Kinde puts into scope, scp or permissions. A refusal's challenge names them as scopes. A
// name that cannot be a scope (RFC 6749 §3.3) denies, as [verifier.ErrMisconfigured].
func PermissionOrScope(first string, more ...string) verifier.Requirement {
	if verifier.Scopes(first, more...).Name() == "" {
		return verifier.Requirement{}
	}
	keys := append([]string{first}, more...)
	return verifier.NewRequirement(verifier.RequirementSpec{
		Name: "permission or scope", Description: "as permissions or scopes, all of " + strings.Join(keys, " "), Scopes: keys,
		Check: func(_ context.Context, t *verifier.Token) error {
			have, err := permissionsOf(t)
			for _, key := range keys {
				if !have.Has(key) && !t.HasScope(key) {
					return judged(err, "permissions", false)
				}
			}
			return nil
		},
	})
}

// Roles requires all of the roles with the given keys. An empty key denies, as
// [verifier.ErrMisconfigured].
func Roles(first string, more ...string) verifier.Requirement {
	return keyed("roles", "all of the roles ", first, more, func(t *verifier.Token, keys []string) error {
		have, err := rolesOf(t)
		return judged(err, "roles", have.HasAll(keys[0], keys[1:]...))
	})
}

// AnyRole requires at least one of the roles with the given keys. An empty key denies, as
// [verifier.ErrMisconfigured].
func AnyRole(first string, more ...string) verifier.Requirement {
	return keyed("any role", "any of the roles ", first, more, func(t *verifier.Token, keys []string) error {
		have, err := rolesOf(t)
		return judged(err, "roles", have.HasAny(keys[0], keys[1:]...))
	})
}

// FlagOn requires a boolean feature flag that is true. One that merely exists, or is of another
// kind, is not on. An empty key denies, as [verifier.ErrMisconfigured].
func FlagOn(key string) verifier.Requirement {
	return keyed("feature flag", "the feature flag ", key, nil, func(t *verifier.Token, keys []string) error {
		have, err := claim(t, readObject, "feature_flags", "x-hasura-feature-flags")
		f, ok := readFlag(have[keys[0]])
		return judged(err, "feature_flags", ok && f.kind == FlagBool && f.value.Kind() == 't')
	})
}

// Organization requires that the token is for the organisation of this code, as the path of a
// request names it:
//
//	err := token.Require(r.Context(), kinde.Organization(r.PathValue("org")))
//
// Ask for each request: whoever switches organisations gets another token. A handler that must
// not tell which organisations exist answers 404 to the error. An empty code denies, as
// [verifier.ErrMisconfigured].
func Organization(code string) verifier.Requirement {
	return keyed("organization", "one organization", code, nil, func(t *verifier.Token, keys []string) error {
		have, err := claim(t, readName, "org_code", "x-hasura-org-code")
		return judged(err, "org_code", have == keys[0])
	})
}

// Users requires a token of somebody who signed in, see [User].
func Users() verifier.Requirement { return speaks("users", "a token of a user", User) }

// Machines requires a token of an application that speaks for itself, see [Machine].
func Machines() verifier.Requirement { return speaks("machines", "a token of a machine", Machine) }

var errPrincipal = errors.New("kinde: the token speaks for another kind of principal")

func speaks(name, description string, want Principal) verifier.Requirement {
	return verifier.NewRequirement(verifier.RequirementSpec{
		Name: name, Description: description,
		Check: func(_ context.Context, t *verifier.Token) error {
			grants, err := claim(t, readStrings, "gty")
			if principal(t.Subject(), grants, errors.Is(err, ErrMalformed)) != want {
				return errPrincipal
			}
			return nil
		},
	})
}

// keyed makes a requirement of keys, none of which may be empty. A description that ends in a
// space is followed by them; the one of an organisation is not, whose code comes with a request.
func keyed(
	name, description, first string, more []string, check func(t *verifier.Token, keys []string) error,
) verifier.Requirement {
	keys := append([]string{first}, more...)
	if slices.Contains(keys, "") {
		return verifier.Requirement{}
	}
	if strings.HasSuffix(description, " ") {
		description += strings.Join(keys, " ")
	}
	return verifier.NewRequirement(verifier.RequirementSpec{
		Name: name, Description: description,
		Check: func(_ context.Context, t *verifier.Token) error { return check(t, keys) },
	})
}

// judged returns nil if a requirement is met, or why it is not: the claim is absent or
// malformed, or else lacks what is required.
func judged(err error, claim string, met bool) error {
	switch {
	case met && err == nil:
		return nil
	case err != nil:
		return err
	default:
		return errors.New("kinde: " + claim + ": the claim does not hold what is required")
	}
}

func permissionsOf(t *verifier.Token) (Strings, error) {
	return claim(t, readStrings, "permissions", "x-hasura-permissions")
}

func rolesOf(t *verifier.Token) (RoleSet, error) {
	return claim(t, readRoles, "roles", "x-hasura-roles")
}
