package devissuer_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestRoundTripperServesItsOriginOnly(t *testing.T) {
	tests := []struct {
		issuer, url string
		ok          bool
	}{
		{"https://issuer.test", "https://issuer.test/.well-known/jwks", true},
		{"https://issuer.test", "https://issuer.test:443/.well-known/jwks", true},
		{"https://issuer.test:443", "https://ISSUER.test/.well-known/jwks", true},
		{"http://127.0.0.1:80/a", "http://127.0.0.1/a/.well-known/jwks", true},
		{"https://[::1]:8443", "https://[::1]:8443/.well-known/jwks", true},
		{"https://issuer.test", "http://issuer.test/.well-known/jwks", false},
		{"https://issuer.test", "https://issuer.test:8443/.well-known/jwks", false},
		{"https://issuer.test", "https://other.test/.well-known/jwks", false},
		{"https://issuer.test", "https://a.issuer.test/.well-known/jwks", false},
	}
	for _, test := range tests {
		issuer := newIssuer(t, test.issuer)
		client := &http.Client{Transport: issuer.RoundTripper()}
		resp, err := client.Do(newRequest(t, http.MethodGet, test.url, nil))
		if (err == nil) != test.ok {
			t.Errorf("%s asked for %s: error %v", test.issuer, test.url, err)
		}
		if err != nil {
			continue
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != http.StatusOK || resp.Status != "200 OK" || resp.ContentLength != int64(len(issuer.JWKS())) {
			t.Errorf("%s asked for %s: %s, %d bytes", test.issuer, test.url, resp.Status, resp.ContentLength)
		}
	}
}

// closing counts how often it is closed.
type closing struct {
	*strings.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestRoundTripperClosesTheBody(t *testing.T) {
	for _, url := range []string{issuerURL, "https://other.test"} {
		issuer := newIssuer(t, issuerURL)
		body := &closing{Reader: strings.NewReader("x")}
		r := newRequest(t, http.MethodPost, url+"/.well-known/jwks", body)
		resp, err := issuer.RoundTripper().RoundTrip(r)
		if err == nil {
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		}
		if body.closed != 1 {
			t.Errorf("%s: body closed %d times", url, body.closed)
		}
	}
}

func TestRoundTripperObeysAnEndedContext(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := newRequest(t, http.MethodGet, issuer.JWKSURL(), nil).WithContext(ctx)
	resp, err := issuer.RoundTripper().RoundTrip(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if got := issuer.Counts(); got != (devissuer.Counts{}) {
		t.Errorf("counts %+v of a request that was never sent", got)
	}
}

func TestRoundTripperLeavesRedirectsToTheClient(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	issuer.FailWith(http.StatusFound, http.Header{"Location": {"https://other.test/keys"}}, nil)
	client := &http.Client{
		Transport:     issuer.RoundTripper(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(newRequest(t, http.MethodGet, issuer.JWKSURL(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "https://other.test/keys" {
		t.Errorf("status %d, header %v", resp.StatusCode, resp.Header)
	}
}
