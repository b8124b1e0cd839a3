// Package humaapi guards operations of huma by what they declare in the OpenAPI document.
//
// Each entry of an operation's security names a way to be let in, and all the scopes that
// go with it (OpenAPI 3.1 §4.8.30): entries are alternatives, the scopes of one belong
// together. So document and behaviour cannot drift apart. An operation that declares nothing
// needs a token; only an empty list, written out, is open to anyone.
package humaapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

const scheme = "bearer"

// Protect returns middleware for huma.API.UseMiddleware.
func Protect(g *guard.Guard) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		security := ctx.Operation().Security
		if security != nil && len(security) == 0 {
			next(ctx)
			return
		}
		d := g.Check(ctx.Context(), facts(ctx), requirements(security)...)
		d.CopyHeader(ctx.SetHeader, ctx.AppendHeader)
		if d.Allowed() {
			next(huma.WithContext(ctx, d.Context(ctx.Context())))
			return
		}
		ctx.SetStatus(d.Status())
		_, _ = ctx.BodyWriter().Write(d.Body()) // a problem document, as huma's own
	}
}

// facts takes every value of a field: ctx.Header has the first alone.
func facts(ctx huma.Context) guard.Request {
	url := ctx.URL()
	r := guard.Request{
		Method: ctx.Method(), Scheme: "http", Host: ctx.Host(), Path: url.EscapedPath(), RemoteAddr: ctx.RemoteAddr(),
	}
	if tls := ctx.TLS(); tls != nil {
		r.Scheme = "https"
		if chain := tls.PeerCertificates; len(chain) > 0 {
			r.ClientCertificate = chain[0]
		}
	}
	header := http.Header{}
	ctx.EachHeader(header.Add)
	r.Header = header
	return r
}

// requirements of the alternatives that a token can satisfy; where there is none, the zero
// Requirement, which denies.
func requirements(security []map[string][]string) []verifier.Requirement {
	var alternatives [][]string
	for _, entry := range security {
		if scopes, ok := entry[scheme]; ok && len(entry) == 1 {
			alternatives = append(alternatives, scopes)
		}
	}
	switch {
	case security == nil:
		return nil
	case len(alternatives) == 0:
		return []verifier.Requirement{{}}
	case slices.ContainsFunc(alternatives, func(scopes []string) bool { return len(scopes) == 0 }):
		return nil
	case len(alternatives) == 1:
		return []verifier.Requirement{verifier.Scopes(alternatives[0][0], alternatives[0][1:]...)}
	}
	return []verifier.Requirement{verifier.NewRequirement(verifier.RequirementSpec{
		Name: "security", Description: "one of the alternatives of the operation", Scopes: alternatives[0],
		Check: func(_ context.Context, t *verifier.Token) error {
			for _, scopes := range alternatives {
				if !slices.ContainsFunc(scopes, func(s string) bool { return !t.HasScope(s) }) {
					return nil
				}
			}
			return &verifier.Error{Reason: verifier.ReasonScope} // names those of the first
		},
	})}
}

type greeting struct {
	Body struct {
		Hello string `json:"hello"`
	}
}

func greet(ctx context.Context, _ *struct{}) (*greeting, error) {
	token, ok := verifier.TokenFromContext(ctx)
	var g greeting
	if g.Body.Hello = "nobody"; ok {
		g.Body.Hello = token.Subject()
	}
	return &g, nil
}

// New returns an API with an operation for each case.
func New(g *guard.Guard) http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("books", "1")
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{scheme: {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	api := humago.New(mux, config)
	api.UseMiddleware(Protect(g))
	operation := func(path string, security []map[string][]string) {
		huma.Register(api, huma.Operation{OperationID: path[1:], Method: http.MethodGet, Path: path, Security: security}, greet)
	}
	operation("/open", []map[string][]string{})
	operation("/undeclared", nil)
	operation("/books", []map[string][]string{{scheme: {}}})
	operation("/shelf", []map[string][]string{{scheme: {"read:books", "read:shelves"}}})
	operation("/either", []map[string][]string{{scheme: {"read:books", "read:shelves"}}, {scheme: {"admin"}}, {"apiKey": {}}})
	operation("/key", []map[string][]string{{"apiKey": {}}})
	return mux
}
