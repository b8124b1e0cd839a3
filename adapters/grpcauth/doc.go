// Package grpcauth guards servers of google.golang.org/grpc.
//
//	rules := []grpcauth.Rule{
//		grpcauth.Method("/shop.Books/Add", verifier.Scopes("write:books")),
//		grpcauth.ExemptHealth(),
//	}
//	server := grpc.NewServer(
//		grpc.ChainUnaryInterceptor(grpcauth.Unary(g, rules...)),
//		grpc.ChainStreamInterceptor(grpcauth.Stream(g, rules...)),
//	)
//	pb.RegisterBooksServer(server, books)
//	if err := grpcauth.Check(server, rules...); err != nil { // a slip of the pen in a name
//
// A server needs both interceptors: without Stream its streams are open to anyone. Put them
// first; only what must see refused calls too, such as logging and recovery, belongs before.
//
// # Rules
//
// Every call needs a token unless [Exempt] names its method. [All] applies to every call
// that needs a token, in addition to its [Method]; package procedure has the table. Rules
// that contradict, such as two for one method, make a server that refuses every call with
// Internal; [Check] tells why.
//
// # Refusals
//
// A refusal is a status with the code of [guard.Decision.Code], a fixed text of a closed
// list, and these details: google.rpc.ErrorInfo with [Domain] and the reason, one of
// [verifier.Reasons] in upper case; with Unavailable also google.rpc.RetryInfo. The header,
// for a client [grpc.Header], has the challenge in www-authenticate and the seconds in
// retry-after. The guard's body, and so [guard.WithErrorBody], has no place in gRPC. For
// interceptors before this one, the error unwraps to the [*verifier.Error].
//
// # Credentials
//
// The token is read from the metadata key authorization, all of its values; no other key
// counts, binary ones (-bin) included. A DPoP proof comes in the key dpop, and is for POST and
// https://authority/package.Service/Method. A client certificate is that of the connection.
//
// # Streams
//
// The token is in the stream's context. A stream ends when its token expires, at exp and
// without leeway, by the clock of this machine: its context ends, its messages fail, and
// once the handler has returned, whatever it returned, the caller gets Unauthenticated with
// the reason EXPIRED. A message that was on its way then must not be used. A handler that
// neither looks at its context nor sends or receives goes on until it returns. A unary call
// is judged once, at its start.
//
// # What an interceptor cannot do
//
// grpc-go reads and decodes the message of a unary call before its interceptors run: bound
// it with [grpc.MaxRecvMsgSize]. A method that is not registered is answered with
// Unimplemented to anyone. Panics pass through, so that a recovery interceptor before this
// one sees them with their own value.
package grpcauth
