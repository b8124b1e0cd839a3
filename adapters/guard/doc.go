// Package guard decides how a request to a protected route is answered, for any
// framework: facts of a request go in, a [Decision] comes out. Status codes,
// challenges and bodies are settled here and nowhere else; an adapter translates
// between its framework and this package and decides nothing.
//
//	g, err := guard.New(v)
//	...
//	d := g.Check(ctx, guard.Request{Method: r.Method, Header: r.Header}, verifier.Scopes("read:books"))
//	if !d.Allowed() {
//		// answer with d.Status(), d.Header() and d.Body()
//	}
//	// go on with d.Context(ctx)
//
// # Credentials
//
// The token comes in exactly one Authorization header: the scheme Bearer in any case,
// one or more spaces, one token68 (RFC 6750 §2.1). Anything else under that scheme is a
// broken header; another scheme is no credentials for this API. Tokens in the query, a
// form or a cookie are not looked at.
//
// # Answers
//
//	outcome                                HTTP   challenge error                    gRPC, connect
//	no credentials, or another scheme      401    none                               16 Unauthenticated
//	broken header, several credentials     400    invalid_request                    3 InvalidArgument
//	token not acceptable                   401    invalid_token                      16 Unauthenticated
//	login too old or too weak (RFC 9470)   401    insufficient_user_authentication   16 Unauthenticated
//	requirement not met                    403    insufficient_scope                 7 PermissionDenied
//	nobody can tell now                    503    no challenge, but Retry-After      14 Unavailable
//	caller has left                        499    no challenge, no body              1 Canceled
//	mistake in this program                500    no challenge                       13 Internal
//
// Every challenge carries the realm (RFC 6750 §3 asks for at least one parameter). The
// body is a problem document (RFC 9457) with the members type (about:blank), title,
// status and reason, one of [verifier.Reasons]; where the challenge names an error, also
// error and error_description with the same values. A request without credentials is
// told type, title and status alone (RFC 6750 §3.1).
//
// All texts come from closed lists: no byte of a request, no claim value, key id or URL,
// and no text of an error reaches a header or a body. error_description tells what
// reason tells and no more. Refusals must not be cached (Cache-Control: no-store).
//
// # Panics
//
// A panic of a requirement, of a hook or of a collaborator passes through [Guard.Check]:
// there is then no Decision, and so nothing that allows the request.
package guard
