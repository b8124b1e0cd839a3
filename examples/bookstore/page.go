package main

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

//go:embed page
var pageFiles embed.FS

// explanation is what the documentation says of a reason.
type explanation struct {
	Description string `json:"description"`
	Cause       string `json:"cause"`
	Fix         string `json:"fix"`
}

// site is a front end: static files, and what they need to know.
type site struct {
	files fs.FS

	API     string                          `json:"api"`
	Mint    string                          `json:"mint,omitempty"` // of the development issuer
	Reasons map[verifier.Reason]explanation `json:"reasons"`

	// Of a tenant that the React page signs in at.
	Domain   string `json:"domain,omitempty"`
	Client   string `json:"client,omitempty"`
	Audience string `json:"audience,omitempty"`
}

// newSite returns the page within this program or, if a folder is named, the React page that
// was built there, which signs in at a Kinde tenant.
func newSite(folder string, t trust) (*site, error) {
	s := &site{Reasons: make(map[verifier.Reason]explanation)}
	for r := range verifier.Reasons() {
		s.Reasons[r] = explanation{r.Description(), r.Cause(), r.Fix()}
	}
	var err error
	if folder == "" {
		s.files, err = fs.Sub(pageFiles, "page")
		return s, err
	}
	if !t.tenant || len(t.policy.AuthorizedParties) == 0 {
		return nil, errors.New("-web signs in at a Kinde tenant: set KINDE_DOMAIN, KINDE_AUDIENCE, and KINDE_CLIENT_ID to that of the front end")
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("-web: %w", err)
	}
	s.files = root.FS()
	if _, err := fs.Stat(s.files, "assets"); err != nil { // what Vite makes, beside index.html
		return nil, errors.Join(fmt.Errorf("-web: %s holds no built page: run npm ci and npm run build", folder), root.Close())
	}
	s.Domain = t.policy.Issuers[0].URL
	s.Client = t.policy.AuthorizedParties[0]
	s.Audience = strings.Join(t.policy.Audiences, " ")
	return s, nil
}

// handler serves the site, once it is complete. Pages may load and call what they need, and
// nothing else.
func (s *site) handler() http.Handler {
	connect := []string{"connect-src 'self'", s.API}
	for _, at := range []string{s.Mint, s.Domain} {
		if u, err := url.Parse(at); err == nil && u.Host != "" {
			connect = append(connect, u.Scheme+"://"+u.Host)
		}
	}
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; " + strings.Join(connect, " ") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(s.files))
	mux.HandleFunc("GET /settings.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s) // the caller has gone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}
