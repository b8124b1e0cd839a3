package guard

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// oauthError returns the error code of a challenge, or "" where there must be none.
func oauthError(r verifier.Reason) string {
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

// challenge returns the value of WWW-Authenticate (RFC 6750 §3, RFC 9470 §3).
func challenge(realm string, e *verifier.Error) string {
	var b strings.Builder
	b.WriteString("Bearer")
	separator := " "
	param := func(name, value string) {
		b.WriteString(separator + name + `="` + quotable(value) + `"`)
		separator = ", "
	}
	param("realm", cmp.Or(realm, defaultRealm))
	code := oauthError(e.Reason)
	if code == "" {
		return b.String()
	}
	param("error", code)
	param("error_description", e.Reason.Description())
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
	return b.String()
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

// problem returns a problem document (RFC 9457 §3). Its type is about:blank, so the title
// is the status phrase.
func problem(status int, e *verifier.Error) []byte {
	document := struct {
		Type        string          `json:"type"`
		Title       string          `json:"title"`
		Status      int             `json:"status"`
		Reason      verifier.Reason `json:"reason,omitempty"`
		Error       string          `json:"error,omitempty"`
		Description string          `json:"error_description,omitempty"`
	}{Type: "about:blank", Title: http.StatusText(status), Status: status}
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
