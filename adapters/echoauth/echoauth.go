package echoauth

import (
	"slices"

	"github.com/labstack/echo/v5"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Protect returns middleware that lets a request pass if g allows it under the requirements.
// Handlers find the token with [Token]. A refusal is answered and goes no further. A nil
// guard refuses everything, as misconfigured. The middleware is safe for concurrent use.
func Protect(g *guard.Guard, reqs ...verifier.Requirement) echo.MiddlewareFunc {
	reqs = slices.Clone(reqs) // a caller that changes its slice must not loosen the route
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			r := c.Request()
			d := g.Check(r.Context(), guard.RequestOf(r), reqs...)
			if !d.Allowed() {
				d.WriteRefusal(c.Response())
				return nil
			}
			d.CopyHeader(c.Response().Header().Set, c.Response().Header().Add)
			c.SetRequest(d.WithToken(r))
			return next(c)
		}
	}
}

// Token returns the token of a request that [Protect] has let pass, and whether there is
// one: there is none for anonymous requests and on routes without a guard.
func Token(c *echo.Context) (*verifier.Token, bool) {
	return verifier.TokenFromContext(c.Request().Context())
}
