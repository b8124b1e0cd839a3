// Package ginauth guards Gin routes.
//
//	router.GET("/books", ginauth.Protect(g), books)
//	router.POST("/books", ginauth.Protect(g, verifier.Scopes("write:books")), addBook)
//
//	func books(c *gin.Context) {
//		token, ok := ginauth.Token(c)
//		...
//	}
//
// [Protect] fits engines, groups and single routes alike: Engine.Use, Group.Use, GET. Gin
// runs what Engine.Use adds for paths that do not exist too.
//
// # Where the token is
//
// The token is in the context of the request, c.Request.Context(), where
// [verifier.TokenFromContext] finds it, also in what that context is handed on to, and in
// copies of the Gin context. A [gin.Context] is a context as well, but asks that of its
// request only if the engine says so: without Engine.ContextWithFallback,
// verifier.TokenFromContext(c) finds nothing. [Token] always does.
//
// # Refusals
//
// A refusal is written here and aborts the chain. Nothing is added to c.Errors, since
// middleware that renders these would write a second answer behind the first. Fields that
// outer middleware has set, such as those of CORS, stay; CORS belongs outside the guard.
//
// A panic of a requirement or hook passes through, for gin.Recovery.
package ginauth
