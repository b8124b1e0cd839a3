package guard_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
)

func TestFactsAreThoseOfTheRequest(t *testing.T) {
	leaf, issuer := &x509.Certificate{}, &x509.Certificate{}
	for _, tt := range []struct {
		name   string
		tls    *tls.ConnectionState
		scheme string
		leaf   *x509.Certificate
	}{
		{"plain", nil, "http", nil},
		{"TLS", &tls.ConnectionState{}, "https", nil},
		{"mutual TLS", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf, issuer}}, "https", leaf},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "http://api.test:8080/a%2Fb/%C3%A9?c=d", nil)
			r.Header.Add("Authorization", "Bearer x")
			r.Header.Add("Authorization", "Bearer y")
			r.RemoteAddr = "192.0.2.1:4711"
			r.TLS = tt.tls
			q := guard.RequestOf(r)
			got := []string{q.Method, q.Scheme, q.Host, q.Path, q.RemoteAddr}
			want := []string{"PATCH", tt.scheme, "api.test:8080", "/a%2Fb/%C3%A9", "192.0.2.1:4711"}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if got := q.Header.Values("Authorization"); !slices.Equal(got, []string{"Bearer x", "Bearer y"}) {
				t.Errorf("Authorization %q", got)
			}
			if q.ClientCertificate != tt.leaf {
				t.Error("the certificate is not the client's own")
			}
		})
	}
}

// A client signs the path that it sends (RFC 9449 §4.2), not what a router makes of it.
func TestPathIsThatOfTheCaller(t *testing.T) {
	for target, want := range map[string]string{
		"/v1/books?a=b":                 "/v1/books",
		"/v1/a%2fb/%7Ec":                "/v1/a%2fb/%7Ec",
		"http://api.test/v1/books?a=/b": "/v1/books", // absolute form, as to a proxy
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if got := guard.RequestOf(r).Path; got != want {
			t.Errorf("%s: path %q, want %q", target, got, want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/books", nil)
	http.StripPrefix("/v1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := guard.RequestOf(r).Path; r.URL.Path != "/books" || got != "/v1/books" {
			t.Errorf("mounted under a prefix: path %q", got)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}
