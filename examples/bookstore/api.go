package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rs/cors"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

// writeBooks is the scope that POST /books demands.
const writeBooks = "write:books"

// newAPI returns the API for pages of these origins.
func newAPI(v *verifier.Verifier, origins []string) (http.Handler, error) {
	g, err := guard.New(v, guard.WithRealm("bookstore"))
	if err != nil {
		return nil, err
	}
	s := &shelf{books: []book{{"The Go Programming Language", "library"}, {"A Philosophy of Software Design", "library"}}}
	mux := http.NewServeMux()
	mux.Handle("GET /books", httpauth.Protect(g)(http.HandlerFunc(s.list)))
	mux.Handle("POST /books", httpauth.Protect(g, verifier.Scopes(writeBooks))(http.HandlerFunc(s.add)))
	mux.Handle("GET /healthz", httpauth.Health(v))
	// CORS stands outside the guard: a browser sends preflights without a token, and hides
	// from the page every refusal that does not allow its origin.
	layer := cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type"},
		ExposedHeaders: []string{"WWW-Authenticate", "Retry-After"},
		MaxAge:         int((10 * time.Minute).Seconds()),
	})
	return layer.Handler(mux), nil
}

type book struct {
	Title   string `json:"title"`
	AddedBy string `json:"added_by"`
}

const (
	maxBooks     = 100
	maxBodyBytes = 4 << 10
	maxTitle     = 200
)

// shelf is all that the store has.
type shelf struct {
	mu    sync.Mutex
	books []book
}

func (s *shelf) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"books": s.books})
}

func (s *shelf) add(w http.ResponseWriter, r *http.Request) {
	var b book
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(&b); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"title": "the body is not a book in JSON", "status": http.StatusBadRequest})
		return
	}
	if n := utf8.RuneCountInString(b.Title); n == 0 || n > maxTitle {
		answer(w, http.StatusUnprocessableEntity, map[string]any{
			"title": "a title has 1 to 200 characters", "status": http.StatusUnprocessableEntity,
		})
		return
	}
	token, _ := verifier.TokenFromContext(r.Context()) // the guard has seen to it
	b.AddedBy = token.Subject()
	if b.AddedBy == "" { // a machine
		b.AddedBy = token.ClientID()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.books) == maxBooks {
		answer(w, http.StatusInsufficientStorage, map[string]any{"title": "the shelf is full", "status": http.StatusInsufficientStorage})
		return
	}
	s.books = append(s.books, b)
	answer(w, http.StatusCreated, b)
}

// answer writes JSON; a body with a status is a problem (RFC 9457).
func answer(w http.ResponseWriter, status int, body any) {
	contentType := "application/json"
	if status >= http.StatusBadRequest {
		contentType = "application/problem+json"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}
