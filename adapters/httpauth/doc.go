// Package httpauth guards net/http handlers, and with them everything that speaks net/http:
// the standard mux, chi, gorilla/mux, Twirp, connect v1.
//
//	mux.Handle("GET /books", httpauth.Protect(g)(books))
//	mux.Handle("POST /books", httpauth.Protect(g, verifier.Scopes("write:books"))(books))
//
// For browsers on another origin, CORS belongs outside: it answers preflights, and marks
// refusals so that the page can read them.
package httpauth
