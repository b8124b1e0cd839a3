package guard

import (
	"context"
	"errors"
	"net/http"

	"github.com/keychorus/keychorus/verifier"
)

// Decision is what [Guard.Check] made of a request. It is an inert value: asking it
// changes nothing, and it is safe for concurrent use. The zero Decision denies with
// status 500.
type Decision struct {
	allowed  bool
	token    *verifier.Token
	err      *verifier.Error
	cause    error  // err with what lies behind it, or nil
	terms    *terms // nil in the zero Decision
	dpop     bool   // the credentials came under the scheme DPoP
	nonce    string // for the next proof, or ""
	left     bool
	replaced *content
	timing   timing
}

type content struct{ mediaType, body string }

// Allowed tells whether the request may pass. If not, answer it with Status, Header and
// Body, or with Code.
func (d Decision) Allowed() bool { return d.allowed }

// Anonymous tells whether the request may pass without a token: [WithOptional] or
// [WithPreflight].
func (d Decision) Anonymous() bool { return d.allowed && d.token == nil }

// Token returns the verified token of a request that may pass, or nil.
func (d Decision) Token() *verifier.Token { return d.token }

// Context returns ctx with the token, if there is one, for [verifier.TokenFromContext].
func (d Decision) Context(ctx context.Context) context.Context {
	if d.token == nil {
		return ctx
	}
	return verifier.ContextWithToken(ctx, d.token)
}

// Err returns why the request is refused, or nil if it may pass. [errors.As] finds a
// [*verifier.Error] in it, and the cause, if there is one, for logs of the program.
func (d Decision) Err() error {
	switch {
	case d.allowed:
		return nil
	case d.cause != nil:
		return d.cause
	default:
		return d.refusal()
	}
}

// Status returns the HTTP status code of the answer, or 200 if the request may pass. 499
// says that the caller has left, so that only the server's own log will see it.
func (d Decision) Status() int {
	switch r := d.refusal().Reason; {
	case d.allowed:
		return http.StatusOK
	case r == verifier.ReasonCanceled && !d.left: // the caller still waits
		return http.StatusServiceUnavailable
	default:
		return r.Status()
	}
}

// Code returns the status code that gRPC and connect share, or 0 if the request may pass.
func (d Decision) Code() uint32 {
	switch {
	case d.allowed:
		return codeOK
	case d.left:
		return codeCanceled
	}
	switch d.Status() {
	case http.StatusBadRequest:
		return codeInvalidArgument
	case http.StatusUnauthorized:
		return codeUnauthenticated
	case http.StatusForbidden:
		return codePermissionDenied
	case http.StatusServiceUnavailable:
		return codeUnavailable
	default:
		return codeInternal
	}
}

// The status codes of gRPC that a Decision uses.
const (
	codeOK               = 0
	codeCanceled         = 1
	codeInvalidArgument  = 3
	codePermissionDenied = 7
	codeInternal         = 13
	codeUnavailable      = 14
	codeUnauthenticated  = 16
)

// Header returns the header fields of a refusal, with canonical names: Cache-Control,
// Content-Type if there is a body, Retry-After in whole seconds and at least 1, DPoP-Nonce
// with a nonce for the next proof, and WWW-Authenticate, which has a value for each scheme
// that the guard accepts, with one challenge in it; every other field has one value. If the
// request may pass it has no field but Server-Timing, with [WithServerTiming], and none at all
// if the caller has left. The map belongs to the caller. [Decision.CopyHeader] puts it into an
// answer.
func (d Decision) Header() http.Header {
	h := http.Header{}
	if d.timing.told && !d.left {
		h.Set(fieldServerTiming, d.timing.field())
	}
	if d.allowed || d.left {
		return h
	}
	e := d.refusal()
	h.Set("Cache-Control", "no-store")
	switch {
	case d.replaced == nil:
		h.Set("Content-Type", problemType)
	case d.replaced.body != "":
		h.Set("Content-Type", d.replaced.mediaType)
	}
	switch root := e.Reason.Root(); {
	case errors.Is(root, verifier.ErrUnavailable):
		h.Set("Retry-After", retryAfter(e.RetryAfter))
	case !errors.Is(root, verifier.ErrMisconfigured):
		h["Www-Authenticate"] = d.terms.challenges(e, d.dpop)
	}
	if d.nonce != "" {
		h.Set("DPoP-Nonce", d.nonce)
	}
	return h
}

// Body returns the body of a refusal, or nil if the request may pass or the caller has
// left. The bytes belong to the caller.
func (d Decision) Body() []byte {
	switch {
	case d.allowed || d.left:
		return nil
	case d.replaced != nil:
		return []byte(d.replaced.body)
	default:
		return problem(d.Status(), d.refusal(), nil)
	}
}

// refusal is never nil, so that the zero Decision denies.
func (d Decision) refusal() *verifier.Error {
	if d.err == nil {
		return &verifier.Error{Reason: verifier.ReasonMisconfigured}
	}
	return d.err
}
