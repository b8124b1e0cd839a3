// Package echov4auth guards routes of Echo v4; for Echo v5 there is echoauth.
//
//	e.GET("/books", books, echov4auth.Protect(g))
//	e.POST("/books", addBook, echov4auth.Protect(g, verifier.Scopes("write:books")))
//
//	func books(c echo.Context) error {
//		token, ok := echov4auth.Token(c)
//		...
//	}
//
// [Protect] fits Echo.Use, Echo.Pre, groups and single routes alike.
//
// # Where the token is
//
// The token is in the context of the request, c.Request().Context(), where
// [verifier.TokenFromContext] finds it, also in what that context is handed on to. [Token]
// is short for that.
//
// # Refusals
//
// A refusal is written here, and the middleware returns nil: an Echo.HTTPErrorHandler can
// neither change nor repeat the answer, and one that renders only JSON messages needs no
// case for challenges. Status and body are the guard's; guard.WithErrorBody has the body
// written otherwise. Fields that outer middleware has set, such as those of CORS, stay; CORS
// belongs outside the guard. Errors of handlers go to the error handler as ever.
//
// A panic of a requirement or hook passes through, for middleware.Recover.
package echov4auth
