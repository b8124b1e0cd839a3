package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

func built(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{"index.html": "the page", "assets/page.js": "its script"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func atTenant(clients ...string) trust {
	return trust{tenant: true, policy: verifier.Policy{
		Issuers: []verifier.Issuer{{URL: "https://bookshop.example"}}, Audiences: []string{"one", "two"}, AuthorizedParties: clients,
	}}
}

func TestReactPageKnowsWhereToSignIn(t *testing.T) {
	s, err := newSite(built(t), atTenant("page", "machine"))
	if err != nil {
		t.Fatal(err)
	}
	s.API = "https://api.example"
	h := s.handler()
	var settings map[string]any
	w := do(h, http.MethodGet, "/settings.json", "", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &settings); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"api": "https://api.example", "domain": "https://bookshop.example", "client": "page", "audience": "one two", "mint": nil,
	} {
		if settings[name] != want {
			t.Errorf("%s is %v, want %v", name, settings[name], want)
		}
	}
	for path, want := range map[string]string{"/": "the page", "/assets/page.js": "its script"} {
		w := do(h, http.MethodGet, path, "", nil)
		if w.Body.String() != want || !strings.Contains(w.Header().Get("Content-Security-Policy"), "connect-src 'self' https://api.example https://bookshop.example;") {
			t.Errorf("%s: %q %v", path, w.Body, w.Header())
		}
	}
	if w := do(h, http.MethodGet, "/page.js", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("the other page is there too: %d", w.Code)
	}
}

func TestReactPageNeedsATenantAndABuild(t *testing.T) {
	for _, tt := range []struct {
		name, folder string
		trust        trust
		want         string
	}{
		{"the development issuer", built(t), trust{development: true}, "KINDE_DOMAIN"},
		{"a tenant without the client of the page", built(t), atTenant(), "KINDE_CLIENT_ID"},
		{"no folder", filepath.Join(t.TempDir(), "dist"), atTenant("page"), "dist"},
		{"a folder that was not built", t.TempDir(), atTenant("page"), "npm run build"},
	} {
		if _, err := newSite(tt.folder, tt.trust); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %s", tt.name, err, tt.want)
		}
	}
}

func TestLogSaysWhatWasAnsweredAndHoldsNoToken(t *testing.T) {
	h, dev := newTestAPI(t)
	token, err := dev.token("reader")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h = logged(slog.New(slog.NewTextHandler(&log, nil)), h)
	header := map[string]string{"Authorization": "Bearer " + token}
	do(h, http.MethodGet, "/books", "", header)
	do(h, http.MethodPost, "/books", `{"title":"secret"}`, header)
	do(h, http.MethodGet, "/no%0Amsg=forged", "", header)
	for _, want := range []string{
		"method=GET path=/books status=200\n", "method=POST path=/books status=403\n", `method=GET path="/no\nmsg=forged" status=404` + "\n",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log.String())
		}
	}
	for _, part := range append(strings.Split(token, "."), "secret") {
		if strings.Contains(log.String(), part) {
			t.Errorf("%q is in the log", part)
		}
	}
	w := httptest.NewRecorder()
	if err := http.NewResponseController(&answered{ResponseWriter: w}).Flush(); err != nil || !w.Flushed {
		t.Errorf("flushing through it: %v", err)
	}
}
