package verifier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Requirement is something a route demands of a verified token. Its zero value denies,
// as [ErrMisconfigured]. Requirements are immutable and safe for concurrent use.
type Requirement struct{ spec *RequirementSpec }

// RequirementSpec describes a requirement of your own.
type RequirementSpec struct {
	// Name identifies the requirement in explanations: a few words, no secrets.
	Name string
	// Description says what is demanded.
	Description string
	// Scopes are named in the challenge of a refusal. Without Check the token must
	// grant all of them.
	Scopes []string
	// Check returns nil if the token meets the requirement. An [*Error] passes
	// unchanged; an error that wraps [ErrUnavailable] becomes an [*Error] of that
	// root; any other denies with [ErrForbidden]. It must be safe for concurrent use.
	Check func(ctx context.Context, t *Token) error
}

// NewRequirement makes a requirement. A spec with neither Check nor Scopes denies
// everything, as [ErrMisconfigured].
func NewRequirement(s RequirementSpec) Requirement {
	if s.Check == nil && len(s.Scopes) == 0 {
		return Requirement{}
	}
	s.Scopes = slices.Clone(s.Scopes)
	return Requirement{spec: &s}
}

// Name returns the requirement's name.
func (r Requirement) Name() string {
	if r.spec == nil {
		return ""
	}
	return r.spec.Name
}

// Scopes requires all of the given scopes. An empty scope denies, as [ErrMisconfigured].
func Scopes(first string, more ...string) Requirement {
	scopes := append([]string{first}, more...)
	if !wellFormedScopes(scopes) {
		return Requirement{}
	}
	return NewRequirement(RequirementSpec{
		Name: "scopes", Description: "all of the scopes " + strings.Join(scopes, " "), Scopes: scopes,
	})
}

// AnyScope requires at least one of the given scopes. A refusal's challenge names the
// first. An empty scope denies, as [ErrMisconfigured].
func AnyScope(first string, more ...string) Requirement {
	scopes := append([]string{first}, more...)
	if !wellFormedScopes(scopes) {
		return Requirement{}
	}
	return NewRequirement(RequirementSpec{
		Name: "any scope", Description: "any of the scopes " + strings.Join(scopes, " "), Scopes: scopes[:1],
		Check: func(_ context.Context, t *Token) error {
			if slices.ContainsFunc(scopes, t.HasScope) {
				return nil
			}
			return refuse(ReasonScope, nil)
		},
	})
}

// ClaimEquals requires a top-level claim to be exactly this JSON string.
func ClaimEquals(name, want string) Requirement {
	return NewRequirement(RequirementSpec{
		Name: "claim " + name, Description: "a fixed value of the claim " + name,
		Check: func(_ context.Context, t *Token) error {
			if got, ok := stringClaim(t, name); ok && got == want {
				return nil
			}
			return refuse(ReasonRequirement, nil)
		},
	})
}

// MaxAuthAge requires that the user signed in within d, by auth_time (RFC 9470 §4). A
// token without auth_time, or with one in the future, is refused with [ErrStepUp]. The
// present is the verifier's clock; d is rounded down to seconds.
func MaxAuthAge(d time.Duration) Requirement {
	d = max(d, 0).Truncate(time.Second)
	return NewRequirement(RequirementSpec{
		Name: "authentication age", Description: "a sign-in within " + d.String(),
		Check: func(_ context.Context, t *Token) error {
			if at := t.claims.authTime; at.set {
				age, leeway := t.verifier.wallClock(time.Now()).Sub(at.time()), t.verifier.leeway
				if age <= d+leeway && age >= -leeway {
					return nil
				}
			}
			return &Error{Reason: ReasonStepUp, MaxAge: d}
		},
	})
}

// ACR requires that acr is one of the values, named in order of preference (RFC 9470
// §4). No value denies, as [ErrMisconfigured].
func ACR(values ...string) Requirement {
	if len(values) == 0 || !wellFormedScopes(values) {
		return Requirement{}
	}
	values = slices.Clone(values)
	return NewRequirement(RequirementSpec{
		Name: "authentication context", Description: "an acr of " + strings.Join(values, " "),
		Check: func(_ context.Context, t *Token) error {
			if acr, ok := stringClaim(t, "acr"); ok && slices.Contains(values, acr) {
				return nil
			}
			return &Error{Reason: ReasonStepUp, ACRValues: slices.Clone(values)}
		},
	})
}

func (r Requirement) check(ctx context.Context, t *Token) error {
	if r.spec == nil {
		return refuse(ReasonMisconfigured, errors.New("verifier: the zero Requirement denies"))
	}
	if r.spec.Check == nil {
		for _, s := range r.spec.Scopes {
			if !t.HasScope(s) {
				return refuse(ReasonScope, nil)
			}
		}
		return nil
	}
	err := r.spec.Check(ctx, t)
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e) && e == nil: // a nil *Error in an error is not nil
		return refuse(ReasonMisconfigured, errors.New("verifier: a requirement returned a nil *Error"))
	case e != nil:
		return e
	case ctx.Err() != nil: // the check was cut short and says nothing about the token
		return refuse(ReasonCanceled, err)
	case errors.Is(err, ErrUnavailable):
		return unavailable(ReasonRequirementUnavailable, err)
	case len(r.spec.Scopes) > 0:
		return refuse(ReasonScope, err)
	default:
		return refuse(ReasonRequirement, err)
	}
}

// scopesOf returns the scopes of all requirements, each once.
func scopesOf(reqs []Requirement) []string {
	var all []string
	for _, r := range reqs {
		if r.spec == nil {
			continue
		}
		for _, s := range r.spec.Scopes {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// wellFormedScopes tells whether every value is a scope-token (RFC 6749 §3.3).
func wellFormedScopes(scopes []string) bool {
	for _, s := range scopes {
		if s == "" {
			return false
		}
		for i := range len(s) {
			if c := s[i]; c <= ' ' || c == '"' || c == '\\' || c > '~' {
				return false
			}
		}
	}
	return true
}

func stringClaim(t *Token, name string) (string, bool) {
	raw, ok := t.Claim(name)
	if !ok {
		return "", false
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", false
	}
	return *s, true
}
