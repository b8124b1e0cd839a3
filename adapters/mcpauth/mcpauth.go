package mcpauth

import (
	"cmp"
	"context"
	"crypto/rand"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Protect returns middleware that lets a request pass if g allows it under the requirements,
// with the go-sdk's [auth.TokenInfo] in its context. A refusal is answered and goes no
// further. Do not put [auth.RequireBearerToken] behind it, which would judge again. A nil
// guard refuses everything, as misconfigured.
func Protect(g *guard.Guard, reqs ...verifier.Requirement) func(http.Handler) http.Handler {
	reqs = slices.Clone(reqs) // a caller that changes its slice must not loosen the route
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d := g.Check(r.Context(), guard.RequestOf(r), reqs...)
			d.CopyHeader(w.Header().Set, w.Header().Add)
			switch {
			case !d.Allowed():
				refuse(w, d)
			case d.Anonymous():
				next.ServeHTTP(w, r)
			default:
				handOver(w, d.WithToken(r), d.Token(), next)
			}
		})
	}
}

// handOver passes the verified token through the one door of the go-sdk that lets a
// TokenInfo in. What that door judges has been judged: it is shown a request of its own, so
// that it sees no scheme or cookie it does not know, and leaves time to the guard.
func handOver(w http.ResponseWriter, r *http.Request, token *verifier.Token, next http.Handler) {
	verified := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) { return infoOf(token), nil }
	inner := http.HandlerFunc(func(w http.ResponseWriter, shown *http.Request) {
		next.ServeHTTP(w, r.WithContext(shown.Context()))
	})
	shown := (&http.Request{Header: http.Header{"Authorization": {"Bearer verified"}}}).WithContext(r.Context())
	auth.RequireBearerToken(verified, &auth.RequireBearerTokenOptions{ClockSkew: math.MaxInt64})(inner).ServeHTTP(w, shown)
}

// infoKey is where TokenInfo.Extra has the token.
const infoKey = "github.com/keychorus/keychorus/verifier.Token"

func infoOf(t *verifier.Token) *auth.TokenInfo {
	return &auth.TokenInfo{
		UserID: userID(t), Scopes: t.Scopes(), Expiration: t.ExpiresAt(), Extra: map[string]any{infoKey: t},
	}
}

// userID names who acts, so that no two of any issuers have one name. A token without a
// subject is its client's.
func userID(t *verifier.Token) string {
	name := url.Values{"iss": {t.Issuer()}}
	switch {
	case t.Subject() != "":
		name.Set("sub", t.Subject())
	case t.ClientID() != "":
		name.Set("client_id", t.ClientID())
	default: // nobody: then the token itself is the user, or the request is
		name.Set("jti", cmp.Or(t.ID(), rand.Text()))
	}
	return name.Encode()
}

// Token returns the token behind info, and whether there is one. In a tool, info is
// req.Extra.TokenInfo, which belongs to the call; the context of a tool is that of the
// session, and has the token which that began with. A nil info has none.
func Token(info *auth.TokenInfo) (*verifier.Token, bool) {
	if info == nil {
		return nil, false
	}
	t, ok := info.Extra[infoKey].(*verifier.Token)
	return t, ok && t != nil
}

// refuse writes a refusal. A problem document is labelled as the JSON it is: there are
// clients that read nothing else.
func refuse(w http.ResponseWriter, d guard.Decision) {
	h, body := w.Header(), d.Body() // empty if the caller has gone
	if h.Get("Content-Type") == "application/problem+json" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(d.Status())
	_, _ = w.Write(body) //nolint:gosec // closed lists of the guard, or the program's own hook
}
