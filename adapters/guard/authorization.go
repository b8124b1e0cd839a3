package guard

import (
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// maxAuthorizationBytes leaves room for the largest token that a policy can admit
// (verifier.Policy.MaxTokenBytes). Longer values are not looked into.
const maxAuthorizationBytes = len("Bearer ") + 1<<20

// bearerToken returns the token that the values of Authorization carry, or why there is
// none. The token shares memory with its value.
func bearerToken(values []string) (token string, reason verifier.Reason) {
	switch {
	case len(values) == 0:
		return "", verifier.ReasonNoCredentials
	case len(values) > 1: // RFC 6750 §2
		return "", verifier.ReasonMultipleCredentials
	case len(values[0]) > maxAuthorizationBytes:
		return "", verifier.ReasonTooLarge
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	switch {
	case !consistsOf(scheme, isTokenChar):
		return "", verifier.ReasonMalformedHeader
	case !strings.EqualFold(scheme, "Bearer"):
		return "", verifier.ReasonNoCredentials
	}
	token = strings.TrimLeft(rest, " ")
	switch {
	case strings.HasPrefix(token, "[object "): // a page sent a JavaScript object
		return "", verifier.ReasonPlaceholder
	case !isToken68(token):
		return "", verifier.ReasonMalformedHeader
	}
	return token, ""
}

// isToken68 follows RFC 9110 §11.2, which is RFC 6750's b64token.
func isToken68(s string) bool {
	return consistsOf(strings.TrimRight(s, "="), func(c byte) bool {
		return isAlphanumeric(c) || strings.IndexByte("-._~+/", c) >= 0
	})
}

// isTokenChar follows RFC 9110 §5.6.2.
func isTokenChar(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// consistsOf tells whether s has at least one byte and all of them are ok.
func consistsOf(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}
