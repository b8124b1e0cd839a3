package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

//go:embed page
var files embed.FS

// newPage serves the page, which lives on another origin than the API, as front ends do.
func newPage(api string, policy verifier.Policy, dev *development) http.Handler {
	mux := http.NewServeMux()
	static, err := fs.Sub(files, "page")
	if err != nil { // the folder is compiled in
		return http.NotFoundHandler()
	}
	mux.Handle("GET /", http.FileServerFS(static))
	mux.HandleFunc("GET /config.js", func(w http.ResponseWriter, _ *http.Request) {
		config, err := json.Marshal(map[string]any{
			"api": api, "issuer": policy.Issuers[0].URL, "development": dev != nil,
		})
		if err != nil {
			http.Error(w, "no configuration", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprintf(w, "window.bookstore = %s;\n", config)
	})
	if dev != nil {
		mux.HandleFunc("POST /demo/token", func(w http.ResponseWriter, r *http.Request) {
			token, err := dev.token(r.URL.Query().Get("kind"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Cache-Control", "no-store")
			_, _ = fmt.Fprint(w, token)
		})
	}
	return mux
}

// token mints a token of a kind that the page or the walk asks for.
func (d *development) token(kind string) (string, error) {
	switch kind {
	case "good":
		return d.Mint(devissuer.Claims{"sub": "ada", "scp": []string{"openid", writeBooks}})
	case "reader":
		return d.Mint(devissuer.Claims{"sub": "bob"})
	case "expired":
		return d.Mint(devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)})
	case "audience":
		return d.Mint(devissuer.Claims{"aud": []string{"https://api.other.example"}})
	case "no-audience":
		return d.Mint(devissuer.Claims{"aud": []string{}})
	case "id":
		return d.Mint(devissuer.IDTokenClaims())
	default:
		return "", fmt.Errorf("no token of kind %q: good, reader, expired, audience, no-audience, id", kind)
	}
}
