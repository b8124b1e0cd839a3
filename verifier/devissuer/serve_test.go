package devissuer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestPaths(t *testing.T) {
	tests := []struct {
		url     string
		jwksURL string
		paths   []string
		missing []string
	}{
		{
			"https://issuer.test", "https://issuer.test/.well-known/jwks",
			[]string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"},
			[]string{"/", "/.well-known/jwks/", "/.well-known/jwks.json.json", "//.well-known/jwks", "/oauth2/auth"},
		},
		{
			"https://issuer.test/", "https://issuer.test/.well-known/jwks",
			[]string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}, nil,
		},
		{
			"https://issuer.test:8443/a/b", "https://issuer.test:8443/a/b/.well-known/jwks",
			[]string{
				"/a/b/.well-known/openid-configuration",
				"/.well-known/openid-configuration/a/b",
				"/.well-known/oauth-authorization-server/a/b",
			},
			[]string{
				"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks",
				"/a/b/.well-known/oauth-authorization-server", "/.well-known/jwks/a/b",
			},
		},
		{
			"https://issuer.test/a/", "https://issuer.test/a/.well-known/jwks",
			[]string{"/a/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/a"}, nil,
		},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			issuer := newIssuer(t, test.url)
			if issuer.URL() != test.url || issuer.JWKSURL() != test.jwksURL {
				t.Errorf("URL %q, JWKS URL %q", issuer.URL(), issuer.JWKSURL())
			}
			for _, path := range test.paths {
				checkDiscovery(t, issuer, path)
			}
			for _, url := range []string{test.jwksURL, test.jwksURL + ".json"} {
				if body := get(t, issuer, url, nil).body; body != string(issuer.JWKS()) {
					t.Errorf("%s: body %q", url, body)
				}
			}
			for _, path := range test.missing {
				if status := serve(t, issuer, http.MethodGet, path).Code; status != http.StatusNotFound {
					t.Errorf("%s: status %d, want 404", path, status)
				}
			}
			want := devissuer.Counts{Discovery: len(test.paths), JWKS: 2, Other: len(test.missing)}
			if got := issuer.Counts(); got != want {
				t.Errorf("counts %+v, want %+v", got, want)
			}
		})
	}
}

// serve calls the handler as a server would.
func serve(t *testing.T, issuer *devissuer.Issuer, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	issuer.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "http://any.host"+path, nil))
	return w
}

func checkDiscovery(t *testing.T, issuer *devissuer.Issuer, path string) {
	t.Helper()
	w := serve(t, issuer, http.MethodGet, path)
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: status %d, %v", path, w.Code, err)
	}
	if doc.Issuer != issuer.URL() || doc.JWKSURI != issuer.JWKSURL() {
		t.Errorf("%s: %+v", path, doc)
	}
}

func TestMethods(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	tests := []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/.well-known/jwks", http.StatusOK},
		{http.MethodHead, "/.well-known/jwks", http.StatusOK},
		{http.MethodPost, "/.well-known/jwks", http.StatusMethodNotAllowed},
		{http.MethodOptions, "/.well-known/openid-configuration", http.StatusMethodNotAllowed},
		{http.MethodPost, "/oauth2/token", http.StatusNotFound},
	}
	for _, test := range tests {
		w := serve(t, issuer, test.method, test.path)
		if w.Code != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, w.Code, test.status)
		}
		if allow := w.Header().Get("Allow"); (allow == "GET, HEAD") != (test.status == http.StatusMethodNotAllowed) {
			t.Errorf("%s %s: Allow %q", test.method, test.path, allow)
		}
		if test.method == http.MethodHead {
			if w.Body.Len() != 0 || w.Header().Get("Content-Length") != strconv.Itoa(len(issuer.JWKS())) {
				t.Errorf("HEAD: %d bytes, header %v", w.Body.Len(), w.Header())
			}
		}
	}
}

func TestConditionalRequests(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	tag := get(t, issuer, issuer.JWKSURL(), nil).header.Get("ETag")
	tests := []struct {
		name   string
		header []string
		status int
	}{
		{"same", []string{tag}, http.StatusNotModified},
		{"weak", []string{"W/" + tag}, http.StatusNotModified},
		{"any", []string{"*"}, http.StatusNotModified},
		{"in a list", []string{`"x", ` + tag + `, "y"`}, http.StatusNotModified},
		{"in a second field", []string{`"x"`, tag}, http.StatusNotModified},
		{"none", nil, http.StatusOK},
		{"other", []string{`"x"`}, http.StatusOK},
		{"empty", []string{""}, http.StatusOK},
	}
	want := 0
	for _, test := range tests {
		resp := get(t, issuer, issuer.JWKSURL(), http.Header{"If-None-Match": test.header})
		if resp.status != test.status || resp.header.Get("ETag") != tag {
			t.Errorf("%s: status %d, ETag %q; want %d, %q", test.name, resp.status, resp.header.Get("ETag"), test.status, tag)
		}
		if (resp.body == "") != (test.status == http.StatusNotModified) {
			t.Errorf("%s: body %q", test.name, resp.body)
		}
		if test.status == http.StatusNotModified {
			want++
		}
	}
	if got := issuer.Counts(); got.NotModified != want || got.JWKS != len(tests)+1 {
		t.Errorf("counts %+v, want %d not modified", got, want)
	}
	if _, err := issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	resp := get(t, issuer, issuer.JWKSURL(), http.Header{"If-None-Match": {tag}})
	if resp.status != http.StatusOK || resp.header.Get("ETag") == tag {
		t.Errorf("after rotation: status %d, ETag %q", resp.status, resp.header.Get("ETag"))
	}
}

func TestSetDocuments(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	discoveryURL := issuerURL + "/.well-known/openid-configuration"
	usualKeys := get(t, issuer, issuer.JWKSURL(), nil).body
	usualDiscovery := get(t, issuer, discoveryURL, nil).body
	tests := []struct {
		name            string
		document        []byte
		keys, discovery string
	}{
		{"text", []byte("not JSON"), "not JSON", "not JSON"},
		{"empty", []byte{}, "", ""},
		{"usual", nil, usualKeys, usualDiscovery},
	}
	for _, test := range tests {
		issuer.SetDocument(test.document)
		issuer.SetDiscovery(test.document)
		if len(test.document) > 0 {
			test.document[0] = '!' // the issuer has its own copy
		}
		if got := get(t, issuer, issuer.JWKSURL(), nil).body; got != test.keys {
			t.Errorf("%s: key set %q, want %q", test.name, got, test.keys)
		}
		if got := get(t, issuer, discoveryURL, nil).body; got != test.discovery {
			t.Errorf("%s: discovery %q, want %q", test.name, got, test.discovery)
		}
	}
}

func TestCacheControl(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	for _, value := range []string{"", "max-age=60", ""} {
		issuer.SetCacheControl(value)
		for _, path := range []string{"/.well-known/jwks", "/.well-known/openid-configuration"} {
			if got := serve(t, issuer, http.MethodGet, path).Header().Get("Cache-Control"); got != value {
				t.Errorf("%s: Cache-Control %q, want %q", path, got, value)
			}
		}
	}
}

func TestSocket(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	issuer := newIssuer(t, "http://"+server.Listener.Addr().String())
	server.Config.Handler = issuer
	server.Start()
	t.Cleanup(server.Close)
	r, err := server.Client().Do(newRequest(t, http.MethodGet, issuer.JWKSURL(), nil))
	if err != nil {
		t.Fatal(err)
	}
	resp := read(t, r)
	if resp.body != string(issuer.JWKS()) || resp.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v, body %q", resp.header, resp.body)
	}
}
