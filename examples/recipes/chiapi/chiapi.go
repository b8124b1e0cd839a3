// Package chiapi guards routes of chi.
//
// A route below several guards is judged by each of them: let groups stand beside each other
// where requirements differ.
package chiapi

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

// New returns the API.
func New(g *guard.Guard) http.Handler {
	r := chi.NewRouter()
	r.Get("/health", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "up") })
	r.Group(func(r chi.Router) {
		r.Use(httpauth.Protect(g))
		r.Get("/books/{id}", func(w http.ResponseWriter, r *http.Request) {
			token, _ := verifier.TokenFromContext(r.Context())
			_, _ = fmt.Fprintf(w, "book %s for %s", chi.URLParam(r, "id"), token.Subject())
		})
	})
	r.With(httpauth.Protect(g, verifier.Scopes("write:books"))).Post("/books/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
	})
	return r
}
