package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

const pageOrigin = "http://page.example"

func newTestAPI(t *testing.T) (http.Handler, *issuer) {
	t.Helper()
	dev, err := startIssuer("127.0.0.1:0", []string{pageOrigin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.close() })
	p, err := dev.policy()
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	h, err := newAPI(v, []string{pageOrigin})
	if err != nil {
		t.Fatal(err)
	}
	return h, dev
}

func do(h http.Handler, method, target, body string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// lists tells whether a header with a list of names has one, in any case.
func lists(w *httptest.ResponseRecorder, header, name string) bool {
	for list := range slices.Values(w.Header().Values(header)) {
		for one := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(one), name) {
				return true
			}
		}
	}
	return false
}

func TestPreflight(t *testing.T) {
	h, _ := newTestAPI(t)
	for origin, allowed := range map[string]bool{
		pageOrigin: true, "http://stranger.example": false, pageOrigin + ".stranger.example": false, "null": false,
	} {
		w := do(h, http.MethodOptions, "/books", "", map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type",
		})
		if w.Code != http.StatusNoContent || !lists(w, "Vary", "Origin") {
			t.Errorf("%s: %d, Vary %q", origin, w.Code, w.Header().Values("Vary"))
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); (got == origin) != allowed || !allowed && got != "" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", origin, got)
		}
		for _, name := range []string{"Authorization", "Content-Type"} {
			if lists(w, "Access-Control-Allow-Headers", name) != allowed {
				t.Errorf("%s: Access-Control-Allow-Headers %q", origin, w.Header().Get("Access-Control-Allow-Headers"))
			}
		}
	}
}

// A page can read a refusal, and why.
func TestRefusalsAreReadable(t *testing.T) {
	h, dev := newTestAPI(t)
	reader, err := dev.token("reader")
	if err != nil {
		t.Fatal(err)
	}
	for want, header := range map[int]map[string]string{
		http.StatusUnauthorized: {"Authorization": "Bearer undefined"},
		http.StatusForbidden:    {"Authorization": "Bearer " + reader},
		http.StatusBadRequest:   {"Authorization": "Bearer a b"},
	} {
		header["Origin"] = pageOrigin
		w := do(h, http.MethodPost, "/books", "{}", header)
		if w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != pageOrigin || !lists(w, "Vary", "Origin") ||
			!lists(w, "Access-Control-Expose-Headers", "WWW-Authenticate") || !lists(w, "Access-Control-Expose-Headers", "Retry-After") {
			t.Errorf("want %d readable, got %d %v", want, w.Code, w.Header())
		}
	}
}

func TestBooks(t *testing.T) {
	h, dev := newTestAPI(t)
	token, err := dev.token("writer")
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]string{"Authorization": "Bearer " + token}
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"longest title", `{"title":"` + strings.Repeat("é", maxTitle) + `"}`, http.StatusCreated},
		{"longer title", `{"title":"` + strings.Repeat("é", maxTitle+1) + `"}`, http.StatusBadRequest},
		{"blank title", `{"title":"  "}`, http.StatusBadRequest},
		{"no title", `{}`, http.StatusBadRequest},
		{"cut", `{"title":`, http.StatusBadRequest},
		{"two values", `{"title":"a"}{"title":"b"}`, http.StatusBadRequest},
		{"nothing", ``, http.StatusBadRequest},
		{"another type", `{"title":1}`, http.StatusBadRequest},
		{"largest body", `{"title":"a"}` + strings.Repeat(" ", maxBodyBytes-13), http.StatusCreated},
		{"larger body", `{"title":"a"}` + strings.Repeat(" ", maxBodyBytes-12), http.StatusRequestEntityTooLarge},
	} {
		w := do(h, http.MethodPost, "/books", tt.body, header)
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.want)
		}
		if form := w.Header().Get("Content-Type"); tt.want >= 400 && form != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", tt.name, form)
		}
	}
	if w := do(h, http.MethodGet, "/books", "", header); strings.Count(w.Body.String(), `"yours":true`) != 2 {
		t.Errorf("two of the books are the caller's: %s", w.Body)
	}
}

func TestShelfIsBounded(t *testing.T) {
	s := newShelf()
	refused := 0
	for range maxBooks {
		w := httptest.NewRecorder()
		s.add(w, httptest.NewRequest(http.MethodPost, "/books", strings.NewReader(`{"title":"a"}`)))
		if w.Code == http.StatusConflict {
			refused++
		}
	}
	if len(s.books) != maxBooks || refused != 2 {
		t.Errorf("%d books, %d refused", len(s.books), refused)
	}
}
