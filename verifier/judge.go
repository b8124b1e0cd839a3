package verifier

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// judge checks the claims against the policy at one moment and returns nil or the first
// reason against them. It is called before the signature is checked, so that a token
// which cannot become valid costs no fetch; its answer is told to nobody unless the
// signature held.
func (v *Verifier) judge(iss *issuer, typ string, c *claims, now time.Time) *Error {
	if c.problem != nil {
		return refuse(ReasonMalformedClaim, c.problem)
	}
	if refusal := v.judgeTime(c, now); refusal != nil {
		return refusal
	}
	switch {
	case c.wrongKind(typ, v.allowIDTokens):
		return refuse(ReasonWrongKind, nil)
	case !v.anyAudience && len(c.audience) == 0:
		return refuse(ReasonNoAudience, nil)
	case !v.anyAudience && !slices.ContainsFunc(c.audience, iss.hasAudience):
		return refuse(ReasonAudience, nil)
	case !v.acceptsClient(c):
		return refuse(ReasonClient, nil)
	}
	return v.judgeRequired(c)
}

// judgeTime checks what changes with time.
func (v *Verifier) judgeTime(c *claims, now time.Time) *Error {
	switch {
	case !c.expiry.set:
		return refuse(ReasonNoExpiry, nil)
	case !now.Before(c.expiry.time().Add(v.leeway)): // on or after, RFC 7519 §4.1.4
		return refuse(ReasonExpired, nil)
	case c.notBefore.set && now.Add(v.leeway).Before(c.notBefore.time()):
		return refuse(ReasonNotYetValid, nil)
	case c.issuedAt.set && now.Add(v.leeway).Before(c.issuedAt.time()):
		return refuse(ReasonIssuedInFuture, nil)
	case v.maxLifetime > 0 && (!c.issuedAt.set || c.expiry.time().Sub(c.issuedAt.time()) > v.maxLifetime):
		return refuse(ReasonLifetime, nil)
	}
	return nil
}

// wallClock is the present for exp, nbf and iat.
func (v *Verifier) wallClock(arrived time.Time) time.Time {
	if v.clock != nil {
		return v.clock()
	}
	return arrived
}

func (v *Verifier) judgeRequired(c *claims) *Error {
	for _, name := range v.requiredClaims {
		// A claim that carries a value was read, and would be a problem if it were null.
		if m := memberNamed(name); m != unregistered && m < memberAccessHash && m != memberType && c.present.has(m) {
			continue
		}
		if raw, ok := c.lookup(name); !ok || raw == "null" {
			return refuse(ReasonMissingClaim, nil)
		}
	}
	return nil
}

// rfc9068Claims are required by ProfileRFC9068 (RFC 9068 §2.2).
var rfc9068Claims = []string{
	memberNames[memberIssuer], memberNames[memberExpiry], memberNames[memberAudience], memberNames[memberSubject],
	memberNames[memberClientID], memberNames[memberIssuedAt], memberNames[memberID],
}

// acceptsClient tells whether every party that the token names as its client is accepted,
// and that it names one.
func (v *Verifier) acceptsClient(c *claims) bool {
	if len(v.authorizedParties) == 0 {
		return true
	}
	if c.client() == "" {
		return false
	}
	for _, p := range []string{c.clientID, c.authorizedParty} {
		if p != "" && !slices.Contains(v.authorizedParties, p) {
			return false
		}
	}
	return true
}

// wrongKind tells whether the payload is that of another JWT than an access token
// (RFC 8725 §3.12).
func (c *claims) wrongKind(typ string, allowIDTokens bool) bool {
	switch {
	case c.present.has(memberEvents): // RFC 8417
		return true
	case c.present.has(memberEventID) && c.present.has(memberEventData): // Kinde's webhooks
		return true
	case anyFold(c.payloadType, "ID", "Refresh", "Offline", "Logout"): // Keycloak
		return true
	case c.tokenUse != "" && c.tokenUse != "access": // Cognito
		return true
	case allowIDTokens:
		return false
	case isAccessTokenType(typ), anyFold(c.payloadType, "Bearer", "DPoP"), c.tokenUse == "access":
		return false
	case c.present.has(memberAccessHash, memberCodeHash, memberNonce): // OpenID Connect Core §2
		return true
	default: // Kinde's ID tokens
		return c.present.has(memberUpdatedAt, memberReauthenticatedAt, memberAuthTime) &&
			!c.present.has(memberScope, memberScp, memberGrantType, memberClientID)
	}
}

// anyFold tells whether s is one of the values, in any case of letters. None is "".
func anyFold(s string, values ...string) bool {
	if s == "" {
		return false
	}
	for _, x := range values {
		if strings.EqualFold(s, x) {
			return true
		}
	}
	return false
}

// isAccessTokenType tells whether typ says at+jwt (RFC 9068 §2.1), as a media type
// (RFC 7515 §4.1.9).
func isAccessTokenType(typ string) bool {
	return anyFold(typ, "at+jwt", "application/at+jwt")
}

// acceptsType judges the header's typ.
func (p Profile) acceptsType(typ string) bool {
	if isAccessTokenType(typ) {
		return true
	}
	return p == ProfileCompatible && (typ == "" || anyFold(typ, "JWT", "application/JWT"))
}

// confirmed tells whether the caller proved every binding that cnf names (RFC 7800 §3.1,
// but closed: a member that nobody here understands denies).
func (c *claims) confirmed(proved Confirmation) bool {
	if c.confirmation == "" {
		return true
	}
	var cnf map[string]string
	if err := json.Unmarshal([]byte(c.confirmation), &cnf); err != nil || len(cnf) == 0 {
		return false
	}
	for name, want := range cnf {
		var got string
		switch name {
		case "jkt": // RFC 9449 §6.1
			got = proved.JWKThumbprint
		case "x5t#S256": // RFC 8705 §3.1
			got = proved.CertificateThumbprint
		}
		if got == "" || got != want {
			return false
		}
	}
	return true
}
