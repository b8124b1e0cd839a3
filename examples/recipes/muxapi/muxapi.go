// Package muxapi guards routes of gorilla/mux.
//
// The middleware of a gorilla router runs for routes that match, so unknown paths and wrong
// methods below a guarded prefix are 404 and 405 for anyone. Where that tells too much, put
// the guard around the router.
package muxapi

import (
	"fmt"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

// New returns the API.
func New(g *guard.Guard) http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "up") })

	readers := r.PathPrefix("/books").Methods(http.MethodGet).Subrouter()
	readers.Use(httpauth.Protect(g))
	readers.HandleFunc("/{id}", func(w http.ResponseWriter, r *http.Request) {
		token, _ := verifier.TokenFromContext(r.Context())
		_, _ = fmt.Fprintf(w, "book %s for %s", mux.Vars(r)["id"], token.Subject())
	})

	writers := r.PathPrefix("/books").Methods(http.MethodPost).Subrouter()
	writers.Use(httpauth.Protect(g, verifier.Scopes("write:books")))
	writers.HandleFunc("/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	return r
}
