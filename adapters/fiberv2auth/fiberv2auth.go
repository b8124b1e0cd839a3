package fiberv2auth

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Protect returns middleware that lets a request pass if g allows it under the requirements.
// Handlers find the token with [Token]. A refusal is answered and goes no further. A nil
// guard refuses everything, as misconfigured. The middleware is safe for concurrent use.
func Protect(g *guard.Guard, reqs ...verifier.Requirement) fiber.Handler {
	reqs = slices.Clone(reqs) // a caller that changes its slice must not loosen the route
	key := tokenKey()
	return func(c *fiber.Ctx) error {
		d := g.Check(c.UserContext(), facts(c), reqs...)
		d.CopyHeader(c.Response().Header.Set, c.Response().Header.Add)
		if !d.Allowed() {
			return c.Status(d.Status()).Send(d.Body()) // empty if the caller has gone
		}
		if token := d.Token(); token != nil {
			c.SetUserContext(d.Context(c.UserContext()))
			c.Locals(key, token)
		}
		return c.Next()
	}
}

// Token returns the token of a request that [Protect] has let pass, and whether there is
// one: there is none for anonymous requests and on routes without a guard. The token may
// be kept when the request is over.
func Token(c *fiber.Ctx) (*verifier.Token, bool) {
	return verifier.TokenFromContext(c.UserContext())
}

// facts copies what it returns: Fiber uses the memory of a request again.
func facts(c *fiber.Ctx) guard.Request {
	r := c.Context()
	q := guard.Request{
		Method: string(r.Method()), Scheme: "http", Host: string(r.Request.Header.Host()),
		Path:       sentPath(string(r.RequestURI()), string(r.URI().PathOriginal())),
		RemoteAddr: r.RemoteAddr().String(), Header: header{c},
	}
	if state := r.TLSConnectionState(); state != nil {
		q.Scheme = "https"
		if len(state.PeerCertificates) > 0 {
			q.ClientCertificate = state.PeerCertificates[0]
		}
	}
	return q
}

// sentPath returns the path of a request target as it was sent, whatever middleware has made
// of it since: of its origin form (RFC 9112 §3.2.1), or else as it was parsed.
func sentPath(target, parsed string) string {
	if path, _, _ := strings.Cut(target, "?"); strings.HasPrefix(path, "/") {
		return path
	}
	return parsed
}

// header reads the header fields of a request.
type header struct{ c *fiber.Ctx }

// Values returns copies of all values of a field. PeekAll compares names byte by byte,
// which finds every spelling only if the app has names normalized, as is the default.
func (h header) Values(name string) []string {
	fields := &h.c.Request().Header
	var values []string
	if !h.c.App().Config().DisableHeaderNormalizing {
		for _, value := range fields.PeekAll(name) {
			values = append(values, string(value))
		}
		return values
	}
	fields.VisitAll(func(key, value []byte) {
		if bytes.EqualFold(key, []byte(name)) {
			values = append(values, string(value))
		}
	})
	return values
}

// tokenKey returns the key that [verifier.TokenFromContext] asks a context for. The
// locals of a fiber.Ctx are the values of its fasthttp.RequestCtx, which is a context, so
// the token is found there as well.
func tokenKey() any {
	q := &question{Context: context.Background()}
	_, _ = verifier.TokenFromContext(q)
	return q.key
}

// question is a context that remembers what it was asked for.
type question struct {
	context.Context

	key any
}

func (q *question) Value(key any) any {
	q.key = key
	return nil
}
