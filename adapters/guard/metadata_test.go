package guard_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func TestResourceMetadataURL(t *testing.T) {
	for resource, want := range map[string]string{
		"https://api.test":                  "https://api.test/.well-known/oauth-protected-resource",
		"https://api.test/":                 "https://api.test/.well-known/oauth-protected-resource",
		"https://api.test/books":            "https://api.test/.well-known/oauth-protected-resource/books",
		"https://api.test/books/":           "https://api.test/.well-known/oauth-protected-resource/books/",
		"https://api.test/a/b":              "https://api.test/.well-known/oauth-protected-resource/a/b",
		"https://api.test:8443/a%2Fb":       "https://api.test:8443/.well-known/oauth-protected-resource/a%2Fb",
		"https://api.test/books?tenant=1":   "https://api.test/.well-known/oauth-protected-resource/books?tenant=1",
		"https://api.test?tenant=1":         "https://api.test/.well-known/oauth-protected-resource?tenant=1",
		"https://api.test/?tenant=a/b":      "https://api.test/.well-known/oauth-protected-resource?tenant=a/b",
		"https://API.test/Books":            "https://API.test/.well-known/oauth-protected-resource/Books", // RFC 9728 §6: no normalisation
		"http://127.0.0.1:8080/mcp":         "http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp",
		"http://localhost:8080":             "http://localhost:8080/.well-known/oauth-protected-resource",
		"http://[::1]/mcp":                  "http://[::1]/.well-known/oauth-protected-resource/mcp",
		"http://api.test/books":             "",
		"https://api.test/books#top":        "",
		"https://api.test/#":                "",
		"https://ada@api.test/":             "",
		"https:///books":                    "",
		"https:api.test":                    "",
		"api.test/books":                    "",
		"":                                  "",
		"https://api.test/a b":              "",
		"https://api.test/a\"b":             "",
		"https://api.test/caf\u00e9":        "",
		"https://api.test/\r\nX: y":         "",
		"http://127.0.0.1.evil.test/books":  "",
		"http://localhost.evil.test:8/book": "",
	} {
		got, err := guard.ResourceMetadata{Resource: resource}.URL()
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%q: %q, error %v, want %q", resource, got, err, want)
		}
	}
}

func TestResourceMetadataDocument(t *testing.T) {
	full := guard.ResourceMetadata{
		Resource: "https://api.test/books", AuthorizationServers: []string{"https://login.test"}, JWKSURI: "https://api.test/jwks",
		ScopesSupported: []string{"read:books"}, BearerMethodsSupported: []string{"header"}, ResourceSigningAlgorithms: []string{"ES256"},
		ResourceName: "Books & more", ResourceDocumentation: "https://api.test/docs", ResourcePolicyURI: "https://api.test/policy",
		ResourceTOSURI: "https://api.test/terms", CertificateBoundTokens: true, AuthorizationDetailsTypes: []string{"loan"},
		DPoPAlgorithms: []string{"ES256", "EdDSA"}, DPoPBoundTokensRequired: true,
	}
	for name, tt := range map[string]struct {
		metadata guard.ResourceMetadata
		want     string
	}{
		"least": {guard.ResourceMetadata{Resource: "https://api.test", ScopesSupported: []string{}}, `{"resource":"https://api.test"}`},
		"full": {full, `{"resource":"https://api.test/books","authorization_servers":["https://login.test"],"jwks_uri":"https://api.test/jwks",` +
			`"scopes_supported":["read:books"],"bearer_methods_supported":["header"],"resource_signing_alg_values_supported":["ES256"],` +
			`"resource_name":"Books \u0026 more","resource_documentation":"https://api.test/docs","resource_policy_uri":"https://api.test/policy",` +
			`"resource_tos_uri":"https://api.test/terms","tls_client_certificate_bound_access_tokens":true,` +
			`"authorization_details_types_supported":["loan"],"dpop_signing_alg_values_supported":["ES256","EdDSA"],` +
			`"dpop_bound_access_tokens_required":true}`},
	} {
		handler, err := tt.metadata.Handler()
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			r := httptest.NewRequestWithContext(t.Context(), method, "https://evil.test/elsewhere", nil)
			r.Header.Set("X-Forwarded-Host", "evil.test")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if method == http.MethodPost {
				if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" || w.Body.Len() != 0 {
					t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
				}
				continue
			}
			if w.Code != http.StatusOK || w.Body.String() != tt.want || w.Header().Get("Content-Type") != "application/json" ||
				w.Header().Get("Cache-Control") == "" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s %s: %d %v %s", method, name, w.Code, w.Header(), w.Body)
			}
		}
		document, err := tt.metadata.Document()
		if err != nil || !json.Valid(document) || string(document) != tt.want {
			t.Errorf("%s: document %s, error %v", name, document, err)
		}
	}
}

func TestResourceMetadataErrors(t *testing.T) {
	good := guard.ResourceMetadata{Resource: "https://api.test"}
	for member, spoil := range map[string]func(m *guard.ResourceMetadata){
		"Resource ": func(m *guard.ResourceMetadata) { m.Resource = "api.test" },
		"AuthorizationServers[1]": func(m *guard.ResourceMetadata) {
			m.AuthorizationServers = []string{"https://login.test", "http://login.test"}
		},
		"JWKSURI":                func(m *guard.ResourceMetadata) { m.JWKSURI = "/jwks" },
		"ResourceDocumentation":  func(m *guard.ResourceMetadata) { m.ResourceDocumentation = "docs" },
		"ResourcePolicyURI":      func(m *guard.ResourceMetadata) { m.ResourcePolicyURI = "javascript:alert(1)" },
		"ResourceTOSURI":         func(m *guard.ResourceMetadata) { m.ResourceTOSURI = "http://api.test" },
		"BearerMethodsSupported": func(m *guard.ResourceMetadata) { m.BearerMethodsSupported = []string{"cookie"} },
		"ScopesSupported":        func(m *guard.ResourceMetadata) { m.ScopesSupported = []string{"read books"} },
		"offline_access":         func(m *guard.ResourceMetadata) { m.ScopesSupported = []string{"offline_access"} },
		"DPoPAlgorithms":         func(m *guard.ResourceMetadata) { m.DPoPAlgorithms = []string{"none"} },
	} {
		m := good
		spoil(&m)
		handler, err1 := m.Handler()
		document, err2 := m.Document()
		address, err3 := m.URL()
		if handler != nil || document != nil || address != "" {
			t.Errorf("%s: a result with an error", member)
		}
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), member) {
				t.Errorf("%s: error %v", member, err)
			}
		}
	}
	g, _ := newGuard(t)
	for _, url := range []string{"", "/x", "http://api.test/x", "https://api.test/\"x", "https://api.test/x#y", "https://api.test/\n"} {
		if with, err := g.With(guard.WithResourceMetadata(url)); with != nil || !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%q: guard %v, error %v", url, with, err)
		}
	}
}
