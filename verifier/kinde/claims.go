package kinde

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/verifier"
)

// Claims are what Kinde says in an access token. All claims of Kinde's own are optional: most
// appear only when they are switched on under Token customization, or when somebody signed in
// to an organisation, and a workflow of the tenant may leave them out, empty or reshape them.
// So absent, empty and malformed are three things: absent is what Present tells, empty is
// present, and a malformed claim reads as absent and is told by [Claims.Problems].
//
// With Kinde's Hasura integration claims come under names like x-hasura-permissions; those are
// read where the plain name is absent.
//
// Claims are read-only, safe for concurrent use, and print none of their values. Claims that
// Kinde does not define are read with [verifier.Token.Claim] or [verifier.ClaimsAs].
type Claims struct { //nolint:recvcheck // what prints has a value receiver, so that a copy is as silent
	// Issuer is iss, one of the configured domains.
	Issuer string
	// Subject is sub, the user's id; "" for machines.
	Subject string
	// ID is jti.
	ID string
	// Client is azp: the application that somebody signed in to, or the machine itself.
	Client string
	// Audience is aud.
	Audience []string
	// IssuedAt and ExpiresAt are iat and exp.
	IssuedAt, ExpiresAt time.Time

	// Org is the organisation that the token is for.
	Org Org
	// OrgCodes is org_codes, all organisations of the user. Kinde puts it into ID tokens;
	// a workflow may add it to access tokens.
	OrgCodes Strings
	// Scopes is the union of scp and scope.
	Scopes Strings
	// Permissions is permissions, in the organisation of Org. With "Include API scopes in
	// the permissions claim" it holds those too.
	Permissions Strings
	// Roles is roles.
	Roles RoleSet
	// Flags is feature_flags.
	Flags Flags
	// Grants is gty: client_credentials for machines, absent for users.
	Grants Strings
	// Email is email, which access tokens lack unless it is switched on; "" if absent.
	Email string
	// UserProperties, OrgProperties and ApplicationProperties are user_properties,
	// organization_properties and application_properties.
	UserProperties, OrgProperties, ApplicationProperties Properties
	// Trial is the billing trial.
	Trial Trial

	problems []error
}

// Org is an organisation. A string is "" if its claim is absent.
type Org struct {
	// Code is org_code, such as org_7c1e92ab4d0; "" outside organisations.
	Code string
	// Name is org_name.
	Name string
	// ExternalID is external_organization_id or external_org_id.
	ExternalID string
}

// Trial is has_trial_period and trial_expires_on, which may also stand inside billing.
type Trial struct {
	// Active tells whether a trial is said to run; false if absent.
	Active bool
	// Ends is when it ends; the zero time if absent.
	Ends time.Time
}

// ErrAbsent and ErrMalformed say why a claim grants nothing: it is not in the token, or it is
// not of the type that Kinde documents. The cause of a requirement's refusal wraps one of them
// where that is the reason, and so does each of [Claims.Problems]. Neither text holds a value
// of the token.
var (
	ErrAbsent    = errors.New("the claim is absent")
	ErrMalformed = errors.New("the claim is malformed")
)

// ClaimsOf reads the claims of a verified token. A malformed claim is no error here: it grants
// nothing and is told by [Claims.Problems]. A nil token is an error of
// [verifier.ErrMisconfigured].
func ClaimsOf(t *verifier.Token) (*Claims, error) {
	if t == nil {
		return nil, fmt.Errorf("kinde: ClaimsOf: the token is nil: %w", verifier.ErrMisconfigured)
	}
	members, err := verifier.ClaimsAs[map[string]jsontext.Value](t)
	if err != nil {
		return nil, fmt.Errorf("kinde: %w", err)
	}
	r := reader{members: members}
	c := &Claims{
		Issuer: t.Issuer(), Subject: t.Subject(), ID: t.ID(), Client: t.ClientID(), Audience: t.Audience(),
		IssuedAt: t.IssuedAt(), ExpiresAt: t.ExpiresAt(),
		Org: Org{
			Code:       read(&r, readName, "org_code", "x-hasura-org-code"),
			Name:       read(&r, readText, "org_name", "x-hasura-org-name"),
			ExternalID: read(&r, readText, "external_organization_id", "external_org_id"),
		},
		OrgCodes:    read(&r, readStrings, "org_codes", "x-hasura-org-codes"),
		Permissions: read(&r, readStrings, "permissions", "x-hasura-permissions"),
		Roles:       read(&r, readRoles, "roles", "x-hasura-roles"),
		Flags:       r.flags("feature_flags", "x-hasura-feature-flags"),
		Grants:      read(&r, readStrings, "gty"),
		Email:       read(&r, readText, "email"),

		UserProperties:        r.properties("user_properties"),
		OrgProperties:         r.properties("organization_properties"),
		ApplicationProperties: r.properties("application_properties"),

		Trial: r.trial(),
	}
	_, scope := members["scope"]
	_, scp := members["scp"]
	c.Scopes = Strings{values: t.Scopes(), present: scope || scp}
	c.problems = r.problems
	return c, nil
}

// Problems returns an error of [ErrMalformed] for each claim, flag or property that is
// malformed and so reads as absent, with its name and without its value.
func (c *Claims) Problems() []error { return slices.Clone(c.problems) }

// Principal is who a token speaks for.
type Principal uint8

// The principals.
const (
	// Unknown is none of the others, such as a token with both a user and a machine's grant.
	Unknown Principal = iota
	// User is somebody who signed in: there is a sub, and no grant that needs no user.
	User
	// Machine is an application that speaks for itself: client_credentials, and no sub.
	Machine
	// KeyHolder is whoever holds an API key, see [APIKeys].
	KeyHolder
)

// String returns "user", "machine", "key holder" or "unknown".
func (p Principal) String() string {
	switch p {
	case User:
		return "user"
	case Machine:
		return "machine"
	case KeyHolder:
		return "key holder"
	default:
		return "unknown"
	}
}

// The values of gty that tell who speaks. Kinde reserves the claim in tokens of machines.
const (
	machineGrant = "client_credentials"
	keyGrant     = "keychorus:api_key"
)

// Principal tells who the token speaks for. A gty that is malformed makes it Unknown.
func (c *Claims) Principal() Principal {
	malformed := slices.ContainsFunc(c.problems, func(err error) bool { return isOf(err, "gty") })
	return principal(c.Subject, c.Grants, malformed)
}

func principal(subject string, grants Strings, malformed bool) Principal {
	machine, key := grants.Has(machineGrant), grants.Has(keyGrant)
	switch {
	case malformed || machine && key:
		return Unknown
	case key:
		return KeyHolder
	case machine && subject == "":
		return Machine
	case !machine && subject != "":
		return User
	default:
		return Unknown
	}
}

// Actor returns who acts, for audit logs: the user's id, or else the client's. It is unique
// only together with Issuer.
func (c *Claims) Actor() string {
	if c.Subject != "" {
		return c.Subject
	}
	return c.Client
}

const redacted = "kinde.Claims(redacted)"

// Format prints a fixed text under every verb: claims are personal data.
func (Claims) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue logs a fixed text.
func (Claims) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON encodes a fixed text.
func (Claims) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
