// Package procedure is what adapters for RPC frameworks share: which call needs what, and
// when a stream ends. It knows no framework. Programs use it through their adapter, such as
// grpcauth or connectauth.
//
// A procedure is named as gRPC and connect send it, "/package.Service/Method".
//
// # Rules
//
// Every call needs a token unless [Exempt] names its procedure. What [All] requires
// applies to every call that needs a token, in addition to what [Method] requires of the
// one procedure it names:
//
//	rules                            a call of /shop.Books/Add needs
//	none                             a token
//	All(a)                           a token that meets a
//	Method("/shop.Books/Add", b)     a token that meets b
//	both                             a token that meets a and b, asked for in this order
//	Exempt("/shop.Books/Add")        nothing, whatever All says
//
// Several All add up. A procedure has one Method or one Exempt at most: a second one, and a
// name in another form, contradict, and a table of contradictions refuses every call. So
// does a name that a client sends in another form: frameworks have taken "shop.Books/Add",
// without the slash, for the same method, which no rule names.
package procedure
