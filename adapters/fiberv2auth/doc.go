// Package fiberv2auth guards routes of Fiber v2; for Fiber v3 there is fiberauth.
//
//	app.Get("/books", fiberv2auth.Protect(g), books)
//	app.Post("/books", fiberv2auth.Protect(g, verifier.Scopes("write:books")), addBook)
//
//	func books(c *fiber.Ctx) error {
//		token, ok := fiberv2auth.Token(c)
//		...
//	}
//
// [Protect] fits App.Use, groups and single routes alike.
//
// # Where the token is
//
// [verifier.TokenFromContext] finds the token in c.UserContext(), to be handed on to what
// outlives the request, and in c.Context(), the fasthttp.RequestCtx that is also the context
// of a net/http handler behind Fiber's adaptor. [Token] is short for the first.
//
// # Memory
//
// Strings that Fiber returns change when the request is over, because their memory is used
// again. What this package hands to the guard are copies, and a token refers to nothing of
// the request: it may be kept.
//
// # Refusals
//
// A refusal is written here, and the middleware returns nil: Fiber's error handler would
// replace the answer, challenge included. Status and body are the guard's;
// guard.WithErrorBody has the body written otherwise. Fields that outer middleware has set,
// such as those of CORS, stay; CORS belongs outside the guard.
//
// # What Fiber does
//
// A header that does not fit into Config.ReadBufferSize, 4 KiB unless set, is answered 431
// before anything here runs: raise it if tokens are long. Fiber does not notice a caller
// that leaves, so a request may wait for keys in vain, as long as the policy's ColdWait. It
// does not recover from panics: the middleware recover does, for those of requirements and
// hooks too.
package fiberv2auth
