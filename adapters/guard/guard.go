package guard

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/verifier"
)

// Guard judges requests with a [verifier.Verifier]. It is immutable and safe for
// concurrent use. A nil Guard and the zero Guard deny every request with status 500.
type Guard struct {
	verifier *verifier.Verifier
	settings settings
	terms    *terms
	tally    *telemetry.Guard
}

// New returns a guard that verifies tokens with v. A nil v, a nil option, an option
// given twice and a malformed value are errors, joined, each naming the option, and all
// wrapping [verifier.ErrMisconfigured].
func New(v *verifier.Verifier, opts ...Option) (*Guard, error) {
	if v == nil {
		return nil, misconfigured(errors.New("the Verifier is nil"))
	}
	return build(v, settings{realm: defaultRealm}, tallyOf(v), opts)
}

// With returns a guard like g with some settings replaced, for routes that differ. The
// errors are those of [New].
func (g *Guard) With(opts ...Option) (*Guard, error) {
	if g == nil || g.verifier == nil {
		return nil, misconfigured(errors.New("With: the Guard was not made by New"))
	}
	return build(g.verifier, g.settings, g.tally, opts)
}

func build(v *verifier.Verifier, s settings, tally *telemetry.Guard, opts []Option) (*Guard, error) {
	if err := s.apply(opts); err != nil {
		return nil, misconfigured(err)
	}
	return &Guard{verifier: v, settings: s, terms: s.terms(), tally: tally}, nil
}

func misconfigured(err error) error {
	return fmt.Errorf("%w: guard: %w", verifier.ErrMisconfigured, err)
}

// Request is what a guard knows of a request. Adapters fill in every fact they have, as the
// connection tells it: what proxies say is read by the guard. Bearer tokens need Method and
// Header alone.
type Request struct {
	// Method is the request's method, in the case it was sent in.
	Method string
	// Scheme is http or https; Host is the authority, as in the Host header; Path is the
	// path as sent, percent-encoding and all, without query (or with it, since it is not
	// looked at); RemoteAddr is the address of the peer, with or without port.
	Scheme, Host, Path, RemoteAddr string
	// Header returns all values of a field, whatever the case of its name; the name is
	// asked for in canonical form, such as Authorization. http.Header fits. The strings
	// need to be valid only until Check returns. Nil means that there are no headers.
	Header interface{ Values(name string) []string }
	// ClientCertificate is the certificate whose key the TLS client has proved to
	// hold, or nil.
	ClientCertificate *x509.Certificate
}

func (r *Request) values(name string) []string {
	if r.Header == nil {
		return nil
	}
	return r.Header.Values(name)
}

// isPreflight tells whether a browser asks for leave before the real request, which
// carries no credentials (Fetch Standard, CORS-preflight request).
func (r *Request) isPreflight() bool {
	return r.Method == http.MethodOptions &&
		len(r.values("Origin")) > 0 && len(r.values("Access-Control-Request-Method")) > 0
}

// Check judges a request: its credentials, the proof that goes with them, then its token, then
// the requirements in order, all of which must be met. It waits for keys at most as long as
// the policy says, or until ctx ends. It keeps nothing of the request. Safe for concurrent
// use.
func (g *Guard) Check(ctx context.Context, r Request, reqs ...verifier.Requirement) Decision {
	if g == nil || g.verifier == nil {
		return Decision{}
	}
	var began time.Time
	if g.settings.timing {
		began = time.Now()
	}
	d := g.judge(ctx, &r, reqs)
	if g.settings.timing {
		d.timing = timing{true, time.Since(began)}
	}
	g.count(ctx, &d)
	return d
}

func (g *Guard) judge(ctx context.Context, r *Request, reqs []verifier.Requirement) Decision {
	if g.settings.preflight && r.isPreflight() {
		return Decision{allowed: true}
	}
	c, reason := g.settings.credentialsOf(r)
	c.explained = g.settings.explains(r)
	if reason == verifier.ReasonNoCredentials && g.settings.optional && len(reqs) == 0 {
		return Decision{allowed: true}
	}
	if reason != "" {
		return g.refuse(ctx, c, &verifier.Error{Reason: reason})
	}
	if g.settings.checksBindings(c) {
		return g.checkBound(ctx, r, c, reqs)
	}
	token, err := g.verifier.Verify(ctx, c.token)
	if err == nil {
		err = token.Require(ctx, reqs...)
	}
	if err != nil {
		return g.refuse(ctx, c, err)
	}
	return Decision{allowed: true, token: token}
}

// refuse makes the Decision for an error, which is one of the closed set or a mistake of
// this program.
func (g *Guard) refuse(ctx context.Context, c credentials, err error) Decision {
	var e *verifier.Error
	if !errors.As(err, &e) || e == nil || isUnknown(e.Reason) {
		e = &verifier.Error{Reason: verifier.ReasonMisconfigured}
	}
	d := Decision{err: e, terms: g.terms, dpop: c.dpop}
	if p := g.settings.dpop; p != nil {
		if caused, ok := errors.AsType[*causedError](err); ok && caused.refusal == e {
			d.cause = caused
		}
		if p.nonces != nil && d.Status() == http.StatusUnauthorized {
			d.nonce = p.nonces.Issue(time.Now())
		}
	}
	// A context also ends by a deadline of this server; that caller still waits.
	d.left = e.Reason == verifier.ReasonCanceled && errors.Is(ctx.Err(), context.Canceled)
	if c.explained && !d.left {
		d.replaced = &content{problemType, string(problem(d.Status(), e, g.explanationOf(ctx, c, e)))}
	}
	if g.settings.errorBody != nil && !d.left {
		contentType, body := g.settings.errorBody(d)
		d.replaced = &content{mediaType(contentType), string(body)}
	}
	return d
}

// isUnknown tells whether a requirement has made up a reason outside the closed set.
func isUnknown(r verifier.Reason) bool {
	return r != verifier.ReasonMisconfigured && errors.Is(r.Root(), verifier.ErrMisconfigured)
}
