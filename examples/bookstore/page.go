package main

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/keychorus/keychorus/verifier"
)

//go:embed page
var pageFiles embed.FS

type explanation struct {
	Description string `json:"description"`
	Cause       string `json:"cause"`
	Fix         string `json:"fix"`
}

// newPage serves the front end: static files and what they need to know. mintURL is empty
// where the token comes from a real sign-in.
func newPage(api, mintURL string) http.Handler {
	reasons := make(map[verifier.Reason]explanation)
	for r := range verifier.Reasons() {
		reasons[r] = explanation{r.Description(), r.Cause(), r.Fix()}
	}
	settings := map[string]any{"api": api, "mint": mintURL, "reasons": reasons}

	connect := "'self' " + api
	if u, err := url.Parse(mintURL); err == nil && mintURL != "" {
		connect += " " + u.Scheme + "://" + u.Host
	}
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src " + connect +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

	files, err := fs.Sub(pageFiles, "page")
	if err != nil { // the name above is not the name below
		return http.NotFoundHandler()
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /settings.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(settings) // the caller has gone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}
