package verifier

import (
	"slices"
	"strings"

	"github.com/keychorus/keychorus/internal/jws"
)

// form returns why something is no compact JWS.
func (s *sample) form() string {
	if s.refusal.Reason == ReasonTooLarge || s.refusal.Reason == ReasonEncrypted {
		return ""
	}
	core, wrapping := unwrap(s.token)
	if core == "" {
		return "empty"
	}
	if word := placeholderOf(core); word != "" {
		return word
	}
	if wrapping != "" {
		return wrapping
	}
	dots := strings.Count(core, ".")
	switch {
	case strings.HasPrefix(core, "{") || strings.HasPrefix(core, "["):
		return "json"
	case strings.HasPrefix(core, "<"):
		return "html"
	case hasScheme(core, "Basic"):
		return "basic_credentials"
	case strings.ContainsAny(core, " \t\r\n"):
		return diagnosisSpace
	case strings.HasPrefix(core, "k_live_"): // Kinde
		return "api_key"
	case strings.Contains(core, "...") || strings.Contains(core, "…"):
		return diagnosisCut
	case strings.HasPrefix(core, "eyJ") && dots < 2: // the beginning of every JSON object
		return diagnosisCut
	case dots < 2:
		return string(ReasonOpaque)
	case dots == 2 && strings.HasSuffix(core, "."):
		return "no_signature"
	case dots == 2 && strings.ContainsAny(core, "=+/%"):
		return "re_encoded"
	case s.header != nil && s.short():
		return diagnosisCut
	}
	return ""
}

// unwrap removes what does not belong to a token, and says which of it is the mistake.
func unwrap(token string) (core, mistake string) {
	core = token
	for {
		was := core
		if core = strings.TrimSpace(core); core != was {
			mistake = firstOf(mistake, diagnosisSpace)
		}
		for _, scheme := range []string{"Authorization:", "Bearer", "DPoP"} {
			if hasScheme(core, scheme) {
				core, mistake = core[len(scheme):], firstOf(mistake, "scheme_in_token")
				core = strings.TrimLeft(core, " :")
			}
		}
		if n := len(core); n > 1 && strings.ContainsRune("\"'`", rune(core[0])) && core[n-1] == core[0] {
			core, mistake = core[1:n-1], firstOf(mistake, "quoted")
		}
		if core == was {
			return core, mistake
		}
	}
}

// firstOf prefers what says more than white space.
func firstOf(known, next string) string {
	if known == "" || known == diagnosisSpace {
		return next
	}
	return known
}

func hasScheme(s, scheme string) bool {
	n := len(scheme)
	return len(s) >= n && strings.EqualFold(s[:n], scheme) &&
		(strings.HasSuffix(scheme, ":") || len(s) == n || s[n] == ' ' || s[n] == ':' || s[n] == '\t')
}

// placeholderOf knows what a page sends when it has no token.
func placeholderOf(core string) string {
	switch {
	case strings.EqualFold(core, "undefined"):
		return "undefined"
	case strings.EqualFold(core, "null"):
		return diagnosisNull
	case anyFold(core, "[object Promise]", "[object AsyncFunction]"):
		return "promise"
	case anyFold(core, "[object", "Object]") || strings.HasPrefix(core, "[object "):
		return "object"
	case isPlaceholder(core):
		return string(ReasonPlaceholder)
	}
	return ""
}

// headerFault returns why a header is refused.
func (s *sample) headerFault() string {
	switch s.refusal.Reason {
	case ReasonAlgorithm:
		alg := s.parameter("alg")
		switch {
		case strings.EqualFold(alg, "none"):
			return "algorithm_none"
		case len(alg) > 2 && strings.EqualFold(alg[:2], "HS"):
			return "algorithm_symmetric"
		case slices.Contains(jws.Algorithms(), jws.Algorithm(alg)):
			return "algorithm_not_listed"
		}
	case ReasonHeader:
		switch {
		case s.hasParameter("jwk", "jku", "x5u", "x5c"):
			return "header_key"
		case s.hasParameter("crit", "b64"):
			return "header_extension"
		}
	case ReasonType:
		typ := s.parameter("typ")
		switch {
		case anyFold(typ, "dpop+jwt"):
			return "dpop_proof"
		case s.hasParameter("cty"):
			return "nested"
		case s.v.profile == ProfileRFC9068 && (typ == "" || anyFold(typ, "JWT", "application/JWT")):
			return "type_plain"
		}
	}
	return ""
}

// short tells whether the signature lost its end.
func (s *sample) short() bool {
	switch Algorithm(s.parameter("alg")) {
	case ES256, EdDSA, Ed25519:
		return s.signature < 64
	case ES384:
		return s.signature < 96
	case ES512:
		return s.signature < 132
	default: // RSA from 2048 bits
		return s.signature < 256
	}
}
