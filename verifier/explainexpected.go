package verifier

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
)

// maxListed bounds the values of the policy that one line names.
const maxListed = 8

// expected says what the policy asks for in a check.
func (s *sample) expected(check string) string {
	v := s.v
	switch check {
	case checkForm:
		if s.opaque {
			return fmt.Sprintf("at most %d bytes", v.tokenBytes())
		}
		return fmt.Sprintf("a compact JWS: three parts of base64url, at most %d bytes", v.tokenBytes())
	case checkIntrospection:
		return "the hook of WithOpaqueTokens knows the token as active"
	case checkHeader:
		return "alg one of " + strings.Join(v.algorithmNames(), ", ") + "; typ " + v.profile.types()
	case checkIssuer:
		return v.expectedIssuers()
	case checkKey:
		return s.expectedKeys()
	case checkSignature:
		return "that key's, over header and payload as they are"
	case checkClaims:
		return "registered claims of the types of RFC 7519 §4.1"
	case checkTime:
		return v.expectedTime(s.now)
	case checkKind:
		if v.allowIDTokens {
			return "an access token, or one in the shape of an ID token"
		}
		return "an access token"
	case checkAudience:
		if v.anyAudience {
			return "any"
		}
		return listed(s.audiences())
	case checkClient:
		if len(v.authorizedParties) == 0 {
			return "any"
		}
		return listed(v.authorizedParties)
	case checkRequired:
		if len(v.requiredClaims) == 0 {
			return "none"
		}
		return listed(v.requiredClaims)
	case checkBinding:
		return "no cnf, or one that the caller has proved: " + s.provedNames()
	default:
		return "the hook of WithRevocation lets the token pass"
	}
}

func (v *Verifier) tokenBytes() int {
	if v.maxTokenBytes == 0 {
		return defaultTokenBytes
	}
	return v.maxTokenBytes
}

// algorithmNames are the accepted algorithms in the order of the package.
func (v *Verifier) algorithmNames() []string {
	var names []string
	for _, alg := range jws.Algorithms() {
		if v.algorithms[alg] {
			names = append(names, string(alg))
		}
	}
	return names
}

func (p Profile) types() string {
	if p == ProfileRFC9068 {
		return "at+jwt"
	}
	return "JWT, at+jwt or absent"
}

func (v *Verifier) expectedIssuers() string {
	urls := make([]string, len(v.issuers))
	for i, iss := range v.issuers {
		urls[i] = iss.url
	}
	switch {
	case v.resolve == nil:
		return listed(urls)
	case len(urls) == 0:
		return "one that WithIssuerResolver accepts"
	default:
		return listed(urls) + ", or one that WithIssuerResolver accepts"
	}
}

// expectedKeys names the keys that are known. The URL of an issuer that is not in the policy
// is a claim, and left out.
func (s *sample) expectedKeys() string {
	if s.issuer == nil {
		return "a key of the issuer"
	}
	kids := s.issuer.source.Health().KeyIDs
	if len(kids) == 0 {
		return "a key of the issuer, of which none is known here"
	}
	return "a key of the issuer, such as kid " + listed(kids)
}

func (v *Verifier) expectedTime(now time.Time) string {
	text := "now " + now.UTC().Format(time.RFC3339) + ", exp required, leeway " + v.leeway.String()
	if v.maxLifetime > 0 {
		text += ", at most " + v.maxLifetime.String() + " from iat to exp"
	}
	return text
}

// audiences are those that the issuer's tokens must name one of; nil if nobody knows the issuer
// and the policy names none for all.
func (s *sample) audiences() []string {
	if s.issuer != nil {
		return s.issuer.audiences
	}
	for _, iss := range s.v.issuers {
		if !slices.Equal(iss.audiences, s.v.audiences) {
			return nil
		}
	}
	return s.v.audiences
}

func (s *sample) provedNames() string {
	var names []string
	if s.proved.JWKThumbprint != "" {
		names = append(names, "a DPoP key")
	}
	if s.proved.CertificateThumbprint != "" {
		names = append(names, "a client certificate")
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, " and ")
}

// listed joins values, the first ones of many.
func listed(values []string) string {
	if rest := len(values) - maxListed; rest > 0 {
		return strings.Join(values[:maxListed], ", ") + fmt.Sprintf(" and %d more", rest)
	}
	return strings.Join(values, ", ")
}

// span is a duration for people: two units at most.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "less than a second"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 2*day:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%d days", d/day)
	}
}
