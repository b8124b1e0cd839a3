package devissuer

import (
	"strings"
	"time"
)

// Claims are members of a token's payload that replace the defaults of
// [Issuer.Mint] by name. A value is what [encoding/json] makes of it, nil is
// null, and [Omit] and [FromNow] have a meaning of their own. Times are numbers
// of seconds (RFC 7519 §2), so a [time.Time] is a hostile value here.
type Claims map[string]any

type omit string

// Omit as a claim's value removes the claim.
const Omit omit = "omitted"

// FromNow as a claim's value becomes the time that long after minting, in whole
// seconds by the issuer's clock; a negative one lies in the past:
//
//	devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)}
type FromNow time.Duration

// The invented principals of the default claims: a user, the application the
// user signed in to, and an application that acts for itself.
const (
	DefaultSubject         = "kp_8c02f4d1a96b4e7f9d35c1e0b7a2468f"
	DefaultClientID        = "6e3a90b5c7d2418fb1f40a9d8e57c236"
	DefaultMachineClientID = "d94b7f1e02a84c5396ec3b8170fda52e"
)

const defaultOrganization = "org_3f9a61c07d2"

// UserClaims is a user who signed in to an organisation: permissions, roles,
// feature flags of every kind, properties, a trial.
func UserClaims() Claims {
	return Claims{
		"email":       "grace@harbour-press.test",
		"org_code":    defaultOrganization,
		"org_name":    "Harbour Press",
		"permissions": []string{"read:books", "write:books"},
		"roles": []map[string]string{
			{"id": "0192a7c4-5d10-7b3e-8f21-6c4d9e0a1b57", "key": "librarian", "name": "Librarian"},
		},
		"feature_flags": map[string]any{
			"quick_search": map[string]any{"t": "b", "v": true},
			"old_shelves":  map[string]any{"t": "b", "v": false},
			"max_loans":    map[string]any{"t": "i", "v": 12},
			"palette":      map[string]any{"t": "s", "v": "slate"},
			"quota":        map[string]any{"t": "j", "v": map[string]any{"daily": 400}},
		},
		"organization_properties": map[string]any{"kp_org_city": map[string]any{}, "zone": map[string]any{"v": "north"}},
		"user_properties":         map[string]any{"kp_usr_job_title": map[string]any{"v": "Archivist"}},
		"has_trial_period":        true,
		"trial_expires_on":        "2031-05-20T00:00:00Z",
	}
}

// MachineClaims is an application that got its token by client credentials: it
// has no subject, and names its scopes twice, as a string and as an array.
func MachineClaims(scopes ...string) Claims {
	return Claims{
		"sub":   Omit,
		"azp":   DefaultMachineClientID,
		"gty":   []string{"client_credentials"},
		"scope": strings.Join(scopes, " "),
		"scp":   append([]string{}, scopes...),
		"v":     "2",
	}
}

// IDTokenClaims is an ID token, which an API must refuse. Its audience is the
// application, not an API.
func IDTokenClaims() Claims {
	return Claims{
		"scp":                Omit,
		"aud":                []string{DefaultClientID},
		"at_hash":            "pZ0x2rQmJtVb8sLkWn4yEg",
		"auth_time":          FromNow(-2 * time.Minute),
		"rat":                FromNow(-2*time.Minute - 10*time.Second),
		"updated_at":         FromNow(-72 * time.Hour),
		"exp":                FromNow(time.Hour),
		"email":              "grace@harbour-press.test",
		"email_verified":     true,
		"given_name":         "Grace",
		"family_name":        "Quay",
		"name":               "Grace Quay",
		"preferred_username": "gquay",
		"org_codes":          []string{defaultOrganization},
	}
}

// WebhookClaims is the body of a webhook, signed with the same keys as tokens
// and with none of their registered claims; an API must refuse it as a token.
// Its timestamps are fixed.
func WebhookClaims() Claims {
	claims := Claims{
		"data": map[string]any{"user": map[string]any{
			"id":                          DefaultSubject,
			"email":                       "grace@harbour-press.test",
			"first_name":                  "Grace",
			"last_name":                   "Quay",
			"phone":                       nil,
			"username":                    nil,
			"is_suspended":                false,
			"is_password_reset_requested": false,
			"organizations": []map[string]any{
				{"code": defaultOrganization, "permissions": nil, "roles": nil},
			},
		}},
		"event_id":        "event_0192a7c4e8107b3e8f21",
		"event_timestamp": "2031-03-14T09:26:53.000Z",
		"source":          "admin",
		"timestamp":       "2031-03-14T20:26:53.589793+11:00",
		"type":            "user.updated",
	}
	for _, name := range []string{"iss", "sub", "aud", "azp", "iat", "exp", "jti", "scp"} {
		claims[name] = Omit
	}
	return claims
}
