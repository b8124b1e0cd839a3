package devissuer

import (
	"encoding/hex"
	"errors"
	"maps"
	"time"
)

// Shape names one of the payloads that Kinde signs, all with the same keys. What an API
// should make of each stands beside it.
type Shape string

// The shapes.
const (
	// ShapeUser is somebody who signed in to no organisation: accepted.
	ShapeUser Shape = "user"
	// ShapeNoAudience is the same with an empty aud, as Kinde sends it if the API is not
	// registered, not authorised for the application, or not asked for: refused.
	ShapeNoAudience Shape = "no-audience"
	// ShapeOrganization is [UserClaims], somebody in an organisation: accepted.
	ShapeOrganization Shape = "organization"
	// ShapeHasura is ShapeOrganization under the names of the Hasura integration: accepted.
	ShapeHasura Shape = "hasura"
	// ShapeEmptied is ShapeOrganization after a workflow that emptied its permissions, roles
	// and flags, which is not the same as taking them out: accepted, and grants none of them.
	ShapeEmptied Shape = "emptied"
	// ShapeCustomized is ShapeOrganization after a workflow that wrote the roles as one string
	// and added claims of its own, nested ones among them: accepted.
	ShapeCustomized Shape = "customized"
	// ShapeMachine is [MachineClaims] with the scopes read:books and write:books: accepted.
	ShapeMachine Shape = "machine"
	// ShapeOrganizationMachine is a machine of one organisation, without scopes: accepted.
	ShapeOrganizationMachine Shape = "organization-machine"
	// ShapeOlderMachine is a machine that names its scopes in scope alone: accepted.
	ShapeOlderMachine Shape = "older-machine"
	// ShapeManagement is a machine's token for Kinde's own management API: refused.
	ShapeManagement Shape = "management"
	// ShapeIDToken is [IDTokenClaims]: refused.
	ShapeIDToken Shape = "id-token"
	// ShapeWebhook is [WebhookClaims] made now, with an event_id of its own: refused as a
	// token, and accepted where webhooks are.
	ShapeWebhook Shape = "webhook"
)

// Shapes returns all shapes, in the order of their declaration.
func Shapes() []Shape {
	return []Shape{
		ShapeUser, ShapeNoAudience, ShapeOrganization, ShapeHasura, ShapeEmptied, ShapeCustomized,
		ShapeMachine, ShapeOrganizationMachine, ShapeOlderMachine, ShapeManagement, ShapeIDToken, ShapeWebhook,
	}
}

// Shaped returns the claims that make [Issuer.Mint] mint a shape, new ones with every call. The
// audience of accepted shapes is the issuer's. An unknown shape is an error.
func (i *Issuer) Shaped(s Shape) (Claims, error) {
	switch s {
	case ShapeUser:
		return Claims{}, nil
	case ShapeNoAudience:
		return Claims{"aud": []string{}}, nil
	case ShapeOrganization:
		return UserClaims(), nil
	case ShapeHasura:
		return hasuraClaims(), nil
	case ShapeEmptied:
		return with(UserClaims(), Claims{"permissions": []string{}, "roles": []string{}, "feature_flags": Claims{}}), nil
	case ShapeCustomized:
		return customizedClaims(), nil
	case ShapeMachine:
		return MachineClaims("read:books", "write:books"), nil
	case ShapeOrganizationMachine:
		return with(MachineClaims(), Claims{
			"org_code":               defaultOrganization,
			"application_properties": Claims{"plan": Claims{"v": "branch"}},
			"feature_flags":          Claims{"night_sync": Claims{"t": "b", "v": true}},
		}), nil
	case ShapeOlderMachine:
		return with(MachineClaims("read:books"), Claims{"scp": Omit, "v": Omit}), nil
	case ShapeManagement:
		return with(MachineClaims("read:users"), Claims{"aud": []string{i.url + "/api"}}), nil
	case ShapeIDToken:
		return with(IDTokenClaims(), Claims{"aud": []string{i.url, DefaultClientID}}), nil
	case ShapeWebhook:
		id, now := randomBytes(), i.now()
		return with(WebhookClaims(), Claims{
			"event_id":        "event_" + hex.EncodeToString(id[:]),
			"event_timestamp": now.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
			"timestamp":       now.Format(time.RFC3339Nano),
		}), nil
	default:
		return nil, errors.New("devissuer: no shape of that name")
	}
}

// with returns base with members replaced.
func with(base, members Claims) Claims {
	maps.Copy(base, members)
	return base
}

// hasuraClaims is a user whose claims are under other names, and no longer under their own.
func hasuraClaims() Claims {
	claims := UserClaims()
	for plain, renamed := range map[string]string{
		"org_code": "x-hasura-org-code", "org_name": "x-hasura-org-name", "permissions": "x-hasura-permissions",
		"roles": "x-hasura-roles", "feature_flags": "x-hasura-feature-flags",
	} {
		claims[renamed] = claims[plain]
		delete(claims, plain)
	}
	claims["x-hasura-org-codes"] = []string{defaultOrganization}
	return claims
}

// customizedClaims is a user whose tenant rewrites tokens.
func customizedClaims() Claims {
	return with(UserClaims(), Claims{
		"roles":       "librarian archivist",
		"branch":      "harbour",
		"loan_limits": Claims{"books": 12, "maps": 1},
		"https://hasura.io/jwt/claims": Claims{
			"x-hasura-default-role":  "librarian",
			"x-hasura-allowed-roles": []string{"librarian", "archivist"},
			"x-hasura-user-id":       DefaultSubject,
		},
	})
}
