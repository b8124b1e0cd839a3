package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/jwks"
)

// answers is a RoundTripper that answers by path and notes what was asked.
type answers struct {
	byPath map[string]string // a status code, or a body
	asked  []string
	err    error
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, r.URL.Path)
	if a.err != nil {
		return nil, a.err
	}
	body, ok := a.byPath[r.URL.Path]
	status := http.StatusOK
	if !ok {
		status = http.StatusNotFound
	} else if _, err := fmt.Sscanf(body, "%d", &status); err == nil {
		body = ""
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}, Request: r}, nil
}

const (
	issuer  = "https://issuer.example.test"
	keysURL = "https://keys.example.test/jwks"
	openID  = "/.well-known/openid-configuration"
	oauth   = "/.well-known/oauth-authorization-server"
)

func metadata(iss, uri string) string { return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, iss, uri) }

func TestDiscover(t *testing.T) {
	for name, tt := range map[string]struct {
		issuer  string
		answers map[string]string
		want    jwks.FetchCode // 0: keysURL
		asked   int
	}{
		"OpenID Connect":           {issuer, map[string]string{openID: metadata(issuer, keysURL)}, 0, 1},
		"RFC 8414":                 {issuer, map[string]string{oauth: metadata(issuer, keysURL)}, 0, 2},
		"path, appended":           {issuer + "/t1", map[string]string{"/t1" + openID: metadata(issuer+"/t1", keysURL)}, 0, 1},
		"path, inserted":           {issuer + "/t1", map[string]string{oauth + "/t1": metadata(issuer+"/t1", keysURL)}, 0, 2},
		"trailing slash":           {issuer + "/", map[string]string{openID: metadata(issuer+"/", keysURL)}, 0, 1},
		"none":                     {issuer, nil, jwks.Status, 2},
		"HTML, then RFC 8414":      {issuer, map[string]string{openID: "<html>", oauth: metadata(issuer, keysURL)}, 0, 2},
		"server error":             {issuer, map[string]string{openID: "500", oauth: metadata(issuer, keysURL)}, jwks.Status, 1},
		"too many requests":        {issuer, map[string]string{openID: "429", oauth: metadata(issuer, keysURL)}, jwks.Status, 1},
		"another issuer":           {issuer, map[string]string{openID: metadata(issuer+"/", keysURL)}, jwks.IssuerMismatch, 1},
		"issuer in capitals":       {issuer, map[string]string{openID: metadata(strings.ToUpper(issuer), keysURL)}, jwks.IssuerMismatch, 1},
		"no issuer":                {issuer, map[string]string{openID: `{"jwks_uri":"` + keysURL + `"}`}, jwks.Status, 2},
		"no keys":                  {issuer, map[string]string{openID: `{"issuer":"` + issuer + `"}`}, jwks.Status, 2},
		"keys over http":           {issuer, map[string]string{openID: metadata(issuer, "http://keys.example.test/")}, jwks.InsecureURL, 1},
		"keys in a file":           {issuer, map[string]string{openID: metadata(issuer, "file:///etc/passwd")}, jwks.InsecureURL, 1},
		"keys with password":       {issuer, map[string]string{openID: metadata(issuer, "https://a:b@keys.example.test/")}, jwks.InsecureURL, 1},
		"wrong type":               {issuer, map[string]string{openID: `{"issuer":1,"jwks_uri":[]}`}, jwks.Status, 2},
		"duplicate member":         {issuer, map[string]string{openID: `{"issuer":"` + issuer + `","issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`}, jwks.Status, 2},
		"issuer member by folding": {issuer, map[string]string{openID: `{"ISSUER":"` + issuer + `","jwks_uri":"` + keysURL + `"}`}, jwks.Status, 2},
	} {
		a := &answers{byPath: tt.answers}
		got, err := fetcher(t, jwks.Endpoint{Issuer: tt.issuer, Client: &http.Client{Transport: a}}).Discover(t.Context())
		if tt.want == 0 {
			if err != nil || got != keysURL {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		} else {
			wantFetchCode(t, name, err, tt.want)
		}
		if len(a.asked) != tt.asked {
			t.Errorf("%s: asked for %q", name, a.asked)
		}
	}
}

// A network that is down says nothing about where the metadata is.
func TestDiscoverOffline(t *testing.T) {
	a := &answers{err: errors.New("no route")}
	_, err := fetcher(t, jwks.Endpoint{Issuer: issuer, Client: &http.Client{Transport: a}}).Discover(context.Background())
	wantFetchCode(t, "offline", err, jwks.Unreachable)
	if len(a.asked) != 1 {
		t.Errorf("asked for %q", a.asked)
	}
}
