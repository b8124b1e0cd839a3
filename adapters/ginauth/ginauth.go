package ginauth

import (
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Protect returns middleware that lets a request pass if g allows it under the requirements.
// Handlers find the token with [Token]. A refusal is answered and goes no further. A nil
// guard refuses everything, as misconfigured. The middleware is safe for concurrent use.
func Protect(g *guard.Guard, reqs ...verifier.Requirement) gin.HandlerFunc {
	reqs = slices.Clone(reqs) // a caller that changes its slice must not loosen the route
	return func(c *gin.Context) {
		d := g.Check(c.Request.Context(), guard.RequestOf(c.Request), reqs...)
		if !d.Allowed() {
			c.Abort()
			d.WriteRefusal(c.Writer)
			return
		}
		d.CopyHeader(c.Writer.Header().Set, c.Writer.Header().Add)
		c.Request = d.WithToken(c.Request)
	}
}

// Token returns the token of a request that [Protect] has let pass, and whether there is
// one: there is none for anonymous requests and on routes without a guard. It looks into
// the context of the request, whatever Engine.ContextWithFallback says.
func Token(c *gin.Context) (*verifier.Token, bool) {
	if c.Request == nil { // as in gin.CreateTestContext
		return nil, false
	}
	return verifier.TokenFromContext(c.Request.Context())
}
