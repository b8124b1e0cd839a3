// Package connectauth guards servers of connectrpc.com/connect/v2, whichever of the Connect,
// gRPC and gRPC-Web protocols a caller speaks.
//
//	rules := []connectauth.Rule{
//		connectauth.Method("/shop.Books/Add", verifier.Scopes("write:books")),
//		connectauth.ExemptHealth(),
//	}
//	server := connect.NewServer(connectauth.Protect(g, rules...))
//	booksconnect.RegisterBooksServer(server, books)
//	if err := connectauth.Check(server, rules...); err != nil { // a slip of the pen in a name
//
// Put the interceptor first; only what must see refused calls too, such as logging and
// recovery, belongs before. It runs before any message is read. In version 1 of connect an
// interceptor runs after the message has been decompressed and decoded: use httpauth there.
//
// # Rules
//
// Every call needs a token unless [Exempt] names its procedure. [All] applies to every call
// that needs a token, in addition to its [Method]; package procedure has the table. Rules
// that contradict, such as two for one procedure, make a server that refuses every call with
// CodeInternal; [Check] tells why.
//
// # Refusals
//
// A refusal is an error with the code of [guard.Decision.Code], a fixed text of a closed
// list, and these details: google.rpc.ErrorInfo with [Domain] and the reason, one of
// [verifier.Reasons] in upper case; with CodeUnavailable also google.rpc.RetryInfo. Challenge,
// Retry-After and Cache-Control are fields of the response header in every protocol; the
// status of a unary call in the Connect protocol is that of HTTP too. The guard's body, and so
// [guard.WithErrorBody], has no place. For interceptors before this one, the error unwraps to
// the [*verifier.Error].
//
// # Credentials
//
// The token is read from the field Authorization, all of its values; no other field counts,
// binary ones (-Bin) included. A DPoP proof comes in the field DPoP, and is for POST, or GET
// where the client uses it, and https://host/package.Service/Method: a prefix that is cut off
// before connect's mux is not seen. A client certificate is that of the connection.
//
// # Streams
//
// The token is in the handler's context. A stream ends when its token expires, at exp and
// without leeway, by the clock of this machine: its context ends, its messages fail, and
// once the handler has returned, whatever it returned, the caller gets CodeUnauthenticated
// with the reason EXPIRED. A message that was on its way then must not be used. A handler
// that neither looks at its context nor sends or receives goes on until it returns. Over
// HTTP/1.1, net/http tells a caller that is silent in the middle of its own messages only
// when it goes on or its connection times out. A unary call is judged once, at its start.
//
// Panics pass through, so that a recovery interceptor before this one sees them with
// their own value. A procedure that is not registered is answered with CodeUnimplemented to
// anyone, unless there is an unknown handler, which is guarded like the rest.
package connectauth
