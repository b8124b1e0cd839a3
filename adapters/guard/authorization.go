package guard

import (
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// maxAuthorizationBytes leaves room for the largest token that a policy can admit
// (verifier.Policy.MaxTokenBytes). Longer values are not looked into.
const maxAuthorizationBytes = len("Bearer ") + 1<<20

// credentials are the one token of a request, and how it came. The token shares memory with
// the request.
type credentials struct {
	token string
	dpop  bool // under the scheme DPoP (RFC 9449 §7.1), else Bearer or a cookie

	proved    verifier.Confirmation // what the request proves beside the token
	explained bool                  // a refusal is explained
}

// credentialsOf returns what a request carries, or why that is not one token.
func (s *settings) credentialsOf(r *Request) (credentials, verifier.Reason) {
	values := r.values("Authorization")
	if s.cookie != "" {
		switch token, n := cookieNamed(s.cookie, r.values("Cookie")); {
		case n == 0:
		case n > 1 || len(values) > 0: // RFC 6750 §2
			return credentials{}, verifier.ReasonMultipleCredentials
		default:
			return credentials{token: token}, cookieProblem(token)
		}
	}
	return authorization(values, s.dpop != nil)
}

// authorization returns the token that the values of Authorization carry, or why there is
// none. withDPoP says that the scheme DPoP is accepted too.
func authorization(values []string, withDPoP bool) (credentials, verifier.Reason) {
	switch {
	case len(values) == 0:
		return credentials{}, verifier.ReasonNoCredentials
	case len(values) > 1: // RFC 6750 §2
		return credentials{}, verifier.ReasonMultipleCredentials
	case len(values[0]) > maxAuthorizationBytes:
		return credentials{}, verifier.ReasonTooLarge
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	c := credentials{dpop: withDPoP && strings.EqualFold(scheme, schemeDPoP)}
	switch {
	case !consistsOf(scheme, tokenChars):
		return c, verifier.ReasonMalformedHeader
	case !c.dpop && !strings.EqualFold(scheme, schemeBearer):
		return c, verifier.ReasonNoCredentials
	}
	c.token = strings.TrimLeft(rest, " ")
	switch {
	case strings.HasPrefix(c.token, "[object "): // a page sent a JavaScript object
		return c, verifier.ReasonPlaceholder
	case !isToken68(c.token):
		return c, verifier.ReasonMalformedHeader
	}
	return c, ""
}

// cookieNamed returns the value of the cookie of exactly this name (RFC 6265 §5.4), and how
// many there are. One without a value is what a page that signed out leaves, and no cookie.
func cookieNamed(name string, values []string) (value string, n int) {
	for _, line := range values {
		for pair := range strings.SplitSeq(line, ";") {
			k, v, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && k == name && v != "" {
				value, n = v, n+1
			}
		}
	}
	return value, n
}

// cookieProblem refuses values that no header could carry, so that no token means more in a
// cookie than there.
func cookieProblem(value string) verifier.Reason {
	switch {
	case len(value) > maxAuthorizationBytes:
		return verifier.ReasonTooLarge
	case strings.HasPrefix(value, "[object "):
		return verifier.ReasonPlaceholder
	case !isToken68(value):
		return verifier.ReasonMalformed
	}
	return ""
}

// charset tells which bytes belong to it.
type charset [256]bool

// charsetOf returns letters, digits and the others named.
func charsetOf(others string) *charset {
	var set charset
	for c := range len(set) {
		b := byte(c)
		set[b] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
	}
	for _, b := range []byte(others) {
		set[b] = true
	}
	return &set
}

// The sets are read-only: a token has a thousand bytes, each of which is looked at.
var (
	token68Chars = charsetOf("-._~+/")
	tokenChars   = charsetOf("!#$%&'*+-.^_`|~") // RFC 9110 §5.6.2
)

// isToken68 follows RFC 9110 §11.2, which is RFC 6750's b64token.
func isToken68(s string) bool { return consistsOf(strings.TrimRight(s, "="), token68Chars) }

// consistsOf tells whether s has at least one byte and all of them are in the set.
func consistsOf(s string, set *charset) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return s != ""
}
