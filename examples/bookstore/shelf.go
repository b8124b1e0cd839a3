package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/keychorus/keychorus/verifier"
)

// Limits of what callers can make the API keep.
const (
	maxBooks     = 1000
	maxBodyBytes = 4 << 10
	maxTitle     = 200 // runes
)

type book struct {
	Title string `json:"title"`
	Yours bool   `json:"yours"`
	owner string
}

// shelf keeps the books in memory.
type shelf struct {
	mu    sync.Mutex
	books []book
}

func newShelf() *shelf {
	return &shelf{books: []book{{Title: "A Wizard of Earthsea"}, {Title: "The Left Hand of Darkness"}}}
}

// caller is who the token speaks for. A subject is unique only within its issuer, and a
// machine has none.
func caller(r *http.Request) string {
	token, ok := verifier.TokenFromContext(r.Context())
	if !ok {
		return ""
	}
	return token.Issuer() + " " + cmp.Or(token.Subject(), token.ClientID())
}

func (s *shelf) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	books := slices.Clone(s.books)
	s.mu.Unlock()
	me := caller(r)
	for i := range books {
		books[i].Yours = books[i].owner == me
	}
	answer(w, http.StatusOK, map[string]any{"data": books})
}

func (s *shelf) add(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		problem(w, http.StatusRequestEntityTooLarge, "the body is larger than 4 KiB")
		return
	case err != nil:
		problem(w, http.StatusBadRequest, "the body could not be read")
		return
	}
	b := book{Yours: true, owner: caller(r)}
	var input struct {
		Title string `json:"title"`
	}
	if json.Unmarshal(raw, &input) != nil {
		problem(w, http.StatusBadRequest, "the body is not a JSON object with a title")
		return
	}
	b.Title = strings.TrimSpace(input.Title)
	if n := utf8.RuneCountInString(b.Title); n == 0 || n > maxTitle {
		problem(w, http.StatusBadRequest, "a title has 1 to 200 characters")
		return
	}
	s.mu.Lock()
	full := len(s.books) >= maxBooks
	if !full {
		s.books = append(s.books, b)
	}
	s.mu.Unlock()
	if full {
		problem(w, http.StatusConflict, "the shelf is full")
		return
	}
	answer(w, http.StatusCreated, map[string]any{"data": b})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // what one caller may see
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}

// problem answers as the guard does, in the form of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}
