package main

import (
	"net/http"
	"slices"

	"github.com/rs/cors"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// newAPI is the whole API. CORS is outermost: a preflight carries no token, and a page can
// read a refusal only if that carries CORS headers too.
func newAPI(v *verifier.Verifier, origins []string) (http.Handler, error) {
	g, err := guard.New(v, guard.WithRealm("bookstore"))
	if err != nil {
		return nil, err
	}
	write := kinde.PermissionOrScope("write:books") // Kinde gives people permissions, and machines scopes
	books := newShelf()
	mux := http.NewServeMux()
	mux.Handle("GET /books", httpauth.Protect(g)(http.HandlerFunc(books.list)))
	mux.Handle("POST /books", httpauth.Protect(g, write)(http.HandlerFunc(books.add)))
	mux.Handle("GET /healthz", httpauth.Health(v))
	return allow(origins, http.MethodGet, http.MethodPost)(mux), nil
}

// allow lets pages of exactly these origins call with a token and read the answer.
func allow(origins []string, methods ...string) func(http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool { return slices.Contains(origins, origin) },
		AllowedMethods:  methods,
		AllowedHeaders:  []string{"Authorization", "Content-Type"}, // "*" would not cover Authorization
		ExposedHeaders:  []string{"WWW-Authenticate", "Retry-After"},
		MaxAge:          600,
	}).Handler
}
