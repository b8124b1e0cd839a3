package verifier

import (
	"errors"
	"log/slog"
	"time"
)

// One root per kind of answer. Every [*Error] unwraps to exactly one of them;
// test with [errors.Is].
var (
	// ErrNoCredentials means that the request carried no token at all: HTTP 401 with
	// a challenge that names no error (RFC 6750 §3.1).
	ErrNoCredentials = errors.New("verifier: no credentials")
	// ErrInvalidRequest means that the credentials could not be read as exactly one
	// token: HTTP 400 (RFC 6750 §3.1 invalid_request).
	ErrInvalidRequest = errors.New("verifier: invalid request")
	// ErrInvalidToken means that the token is not acceptable: HTTP 401 (RFC 6750 §3.1
	// invalid_token).
	ErrInvalidToken = errors.New("verifier: invalid token")
	// ErrStepUp means that the token is good but the login behind it is too old or
	// too weak: HTTP 401 (RFC 9470 insufficient_user_authentication).
	ErrStepUp = errors.New("verifier: stronger authentication required")
	// ErrForbidden means that the token is good but does not grant this: HTTP 403
	// (RFC 6750 §3.1 insufficient_scope).
	ErrForbidden = errors.New("verifier: forbidden")
	// ErrUnavailable means that nobody can tell right now, for example because the
	// issuer's keys cannot be had: HTTP 503. It says nothing about the token.
	ErrUnavailable = errors.New("verifier: unavailable")
	// ErrMisconfigured means that the mistake is in this program: HTTP 500.
	ErrMisconfigured = errors.New("verifier: misconfigured")
)

// Error is the one error type that verification returns. It prints a fixed text per
// [Reason]: no token text, claim value or URL. The cause behind it, for logs of your
// own, is reached with [errors.Unwrap] or [errors.As] and may be less discreet.
//
// An Error is immutable once returned.
type Error struct {
	// Reason says what was wrong, from a closed set.
	Reason Reason
	// RetryAfter is when asking again makes sense; only with ErrUnavailable.
	RetryAfter time.Duration
	// MaxAge is the greatest age of the login that would do; only with ErrStepUp.
	MaxAge time.Duration
	// Scopes are all the scopes the route needs; only with ErrForbidden.
	Scopes []string
	// ACRValues are the acceptable authentication contexts, best first; only with
	// ErrStepUp.
	ACRValues []string

	cause error
}

// Error returns the package prefix, the reason and its fixed description.
func (e *Error) Error() string {
	return "verifier: " + string(e.Reason) + ": " + e.Reason.Description()
}

// GoString keeps %#v from printing the cause.
func (e *Error) GoString() string { return e.Error() }

// LogValue logs the reason alone.
func (e *Error) LogValue() slog.Value { return slog.StringValue(string(e.Reason)) }

// MarshalJSON encodes the reason alone.
func (e *Error) MarshalJSON() ([]byte, error) { return []byte(`"` + string(e.Reason) + `"`), nil }

// ErrorType returns the reason, for telemetry's error.type attribute.
func (e *Error) ErrorType() string { return string(e.Reason) }

// Unwrap returns the root of the reason and, if there is one, the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Reason.Root()}
	}
	return []error{e.Reason.Root(), e.cause}
}

// refuse builds an error for a reason; cause may be nil.
func refuse(r Reason, cause error) *Error { return &Error{Reason: r, cause: cause} }

// unavailable builds an ErrUnavailable whose end nobody knows.
func unavailable(r Reason, cause error) *Error {
	return &Error{Reason: r, RetryAfter: defaultRetryAfter, cause: cause}
}
