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
// broken header; another scheme is no credentials for this API. Tokens in the query or a
// form are not looked at, and cookies only with [WithCookie].
//
// [WithDPoP] adds the scheme DPoP, for tokens that are bound to a key, with a proof for
// each request (RFC 9449). [WithMTLS] takes tokens that are bound to a client certificate
// (RFC 8705). A token is never worth more than its binding: a bound one without the proof
// is refused, whatever the scheme, and so is an unbound one under the scheme DPoP.
//
// # Behind proxies
//
// A proof names the method and the URL of the request as the client sent it. Where a proxy
// changes scheme, host or path, [DPoP].Origin says what clients see, or [WithTrustedProxies]
// whose word counts. Nothing that a request says of itself in a header is believed
// otherwise. A path that a proxy or a router rewrites cannot be known here: guard the
// original one.
//
// # Answers
//
//	outcome                                HTTP   challenge error                    gRPC, connect
//	no credentials, or another scheme      401    none                               16 Unauthenticated
//	broken header, several credentials     400    invalid_request                    3 InvalidArgument
//	token not acceptable                   401    invalid_token                      16 Unauthenticated
//	proof not acceptable (RFC 9449)        401    invalid_dpop_proof                 16 Unauthenticated
//	proof without a nonce (RFC 9449 §9)    401    use_dpop_nonce, and DPoP-Nonce     16 Unauthenticated
//	login too old or too weak (RFC 9470)   401    insufficient_user_authentication   16 Unauthenticated
//	requirement not met                    403    insufficient_scope                 7 PermissionDenied
//	nobody can tell now                    503    no challenge, but Retry-After      14 Unavailable
//	caller has left                        499    no challenge, no body              1 Canceled
//	mistake in this program                500    no challenge                       13 Internal
//
// There is a challenge for each scheme on offer, in a field of its own: Bearer and, with
// [WithDPoP], DPoP with algs. The error stands with the scheme that the client used; what is
// wrong with a token's binding stands with both. Every challenge carries the realm (RFC 6750
// §3 asks for at least one parameter) and, with [WithResourceMetadata], the address of the
// document from which clients learn where to get a token (RFC 9728).
//
// The body is a problem document (RFC 9457) with the members type (about:blank), title,
// status and reason, one of [verifier.Reasons]; where a challenge names an error, also
// error and error_description with the same values. A request without credentials is
// told type, title and status alone (RFC 6750 §3.1).
//
// All texts come from closed lists: no byte of a request, no claim value, key id or URL,
// and no text of an error reaches a header or a body. error_description tells what
// reason tells and no more. [WithExplanations] makes an exception for developers: a request from
// this machine to this machine is told what the policy expects. Refusals must not be cached (Cache-Control: no-store). Pages on
// another origin see challenges and nonces only if CORS exposes WWW-Authenticate and
// DPoP-Nonce.
//
// # Panics
//
// A panic of a requirement, of a hook or of a collaborator passes through [Guard.Check]:
// there is then no Decision, and so nothing that allows the request.
package guard
