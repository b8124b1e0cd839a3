package guard

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// The schemes of credentials and challenges (RFC 6750, RFC 9449 §7.1).
const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// oauthError returns the error code of a challenge, or "" where there must be none.
func oauthError(r verifier.Reason) string {
	switch r {
	case verifier.ReasonProofMissing, verifier.ReasonProofMalformed, verifier.ReasonProofSignature, verifier.ReasonProofMethod,
		verifier.ReasonProofURL, verifier.ReasonProofToken, verifier.ReasonProofTime, verifier.ReasonProofReplayed:
		return "invalid_dpop_proof" // RFC 9449 §7.1
	case verifier.ReasonProofNonce:
		return "use_dpop_nonce" // RFC 9449 §9
	}
	switch root := r.Root(); {
	case errors.Is(root, verifier.ErrInvalidRequest):
		return "invalid_request"
	case errors.Is(root, verifier.ErrInvalidToken):
		return "invalid_token"
	case errors.Is(root, verifier.ErrForbidden):
		return "insufficient_scope"
	case errors.Is(root, verifier.ErrStepUp):
		return "insufficient_user_authentication" // RFC 9470 §3
	default:
		return ""
	}
}

// terms are what every challenge of a guard says.
type terms struct {
	realm, metadata string
	bearer          bool
	algorithms      string // of proofs; "" if the scheme DPoP is not accepted
}

// terms returns the terms of the settings. Bearer is not offered where no token could pass
// under it.
func (s *settings) terms() *terms {
	t := &terms{realm: s.realm, metadata: s.metadata, bearer: !s.boundOnly || s.mtls}
	if s.dpop != nil {
		t.algorithms = s.dpop.names
	}
	return t
}

// challenges returns the values of WWW-Authenticate, one for each scheme on offer (RFC 9110
// §11.6.1). The error stands with the scheme that the client used or, where what is wrong is
// how the token is bound, with each.
func (t *terms) challenges(e *verifier.Error, usedDPoP bool) []string {
	if t == nil { // no guard, and so nothing on offer
		t = &terms{realm: defaultRealm, bearer: true}
	}
	both := e.Reason == verifier.ReasonBinding || e.Reason == verifier.ReasonUnbound
	all := make([]string, 0, 2)
	if t.bearer {
		all = append(all, t.challenge(schemeBearer, e, !usedDPoP || both))
	}
	if t.algorithms != "" {
		all = append(all, t.challenge(schemeDPoP, e, usedDPoP || both || !t.bearer))
	}
	return all
}

// challenge returns one challenge (RFC 6750 §3, RFC 9470 §3, RFC 9449 §7.1, RFC 9728 §5.1).
func (t *terms) challenge(scheme string, e *verifier.Error, withError bool) string {
	var b strings.Builder
	b.WriteString(scheme)
	separator := " "
	param := func(name, value string) {
		b.WriteString(separator + name + `="` + quotable(value) + `"`)
		separator = ", "
	}
	param("realm", t.realm)
	if code := oauthError(e.Reason); code != "" && withError {
		param("error", code)
		param("error_description", e.Reason.Description())
		explain(e, param)
	}
	if scheme == schemeDPoP {
		param("algs", t.algorithms)
	}
	if t.metadata != "" {
		param("resource_metadata", t.metadata)
	}
	return b.String()
}

// explain adds what the client needs in order to do better.
func explain(e *verifier.Error, param func(name, value string)) {
	switch root := e.Reason.Root(); {
	case errors.Is(root, verifier.ErrForbidden):
		if scope := list(e.Scopes); scope != "" {
			param("scope", scope)
		}
	case errors.Is(root, verifier.ErrStepUp):
		acr := list(e.ACRValues)
		if acr != "" {
			param("acr_values", acr)
		}
		if e.MaxAge > 0 || acr == "" { // an age of 0 asks to sign in now
			param("max_age", strconv.FormatInt(int64(max(e.MaxAge, 0)/time.Second), 10))
		}
	}
}

// quotable drops what must not stand in a quoted value (RFC 6750 §3).
func quotable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, s)
}

// list joins values with spaces, each once. A value with a character that may not stand
// there is left out: without that character it would be another value.
func list(values []string) string {
	var good []string
	for _, v := range values {
		if v != "" && quotable(v) == v && !strings.Contains(v, " ") && !slices.Contains(good, v) {
			good = append(good, v)
		}
	}
	return strings.Join(good, " ")
}

// retryAfter rounds up to whole seconds (RFC 9110 §10.2.3), at least 1.
func retryAfter(d time.Duration) string {
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	return strconv.FormatInt(max(seconds, 1), 10)
}

// problemType is the media type of a problem document (RFC 9457 §3).
const problemType = "application/problem+json"

// problem returns a problem document (RFC 9457 §3). Its type is about:blank, so the title
// is the status phrase. x is mostly nil.
func problem(status int, e *verifier.Error, x *explanation) []byte {
	document := struct {
		Type        string          `json:"type"`
		Title       string          `json:"title"`
		Status      int             `json:"status"`
		Reason      verifier.Reason `json:"reason,omitempty"`
		Error       string          `json:"error,omitempty"`
		Description string          `json:"error_description,omitempty"`
		Explanation *explanation    `json:"explanation,omitempty"`
	}{Type: "about:blank", Title: http.StatusText(status), Status: status, Explanation: x}
	if e.Reason != verifier.ReasonNoCredentials { // RFC 6750 §3.1
		document.Reason = e.Reason
	}
	if document.Error = oauthError(e.Reason); document.Error != "" {
		document.Description = e.Reason.Description()
	}
	body, err := json.Marshal(document)
	if err != nil { // strings and a number always encode
		return nil
	}
	return body
}
