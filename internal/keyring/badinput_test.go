package keyring_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// web is an issuer behind real HTTP, without a socket: a RoundTripper with a handler.
type web struct {
	handle func(*http.Request) *http.Response
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) { return w.handle(r), nil }

func respond(status int, body string, header ...string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}
	}
}

// errNoKeys is what a suspicious answer leaves.
const errNoKeys = "no usable key"

// endless is a body without end.
func endless(r *http.Request) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(spaces{}), Request: r}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func many(n int) string {
	kids := make([]string, n)
	for i := range kids {
		kids[i] = fmt.Sprintf("k%d", i)
	}
	return string(document(kids...))
}

// What an issuer may answer, the state before and after, and that no valid token is lost.
func TestBadAnswers(t *testing.T) {
	a, b := string(document("a")), string(document("b"))
	inner := strings.TrimSuffix(strings.TrimPrefix(a, `{"keys":[`), `]}`)
	for _, tt := range []struct {
		name   string
		answer func(*http.Request) *http.Response
		warm   string // health after the answer to a source that has keys
		cold   string // and to one that has none
	}{
		{"garbage", respond(200, "\x00\xff garbage"), "not a JWK Set", "not a JWK Set"},
		{"HTML", respond(200, "<!doctype html>", "Content-Type", "text/html"), "not a JWK Set", "not a JWK Set"},
		{"empty object", respond(200, "{}"), "not a JWK Set", "not a JWK Set"},
		{"list", respond(200, "[]"), "not a JWK Set", "not a JWK Set"},
		{"no keys", respond(200, `{"keys":[]}`), errNoKeys, errNoKeys},
		{"10,000 keys", respond(200, many(10_000)), "too large", "too large"},
		{"257 keys", respond(200, many(257)), "not a JWK Set", "not a JWK Set"},
		{"a private key alone", respond(200, strings.Replace(a, `"x":`, `"d":"AAAA","x":`, 1)), errNoKeys, errNoKeys},
		{"a private key beside a good one", respond(200, `{"keys":[`+inner+`,{"kty":"OKP","kid":"p","d":"AAAA"}]}`), "", ""},
		{"a symmetric key beside a good one", respond(200, `{"keys":[`+inner+`,{"kty":"oct","kid":"p","k":"AAAA"}]}`), "", ""},
		{"the same kid twice", respond(200, `{"keys":[`+inner+`,`+inner+`]}`), "", ""},
		{"204", respond(204, ""), "status 204", "status 204"},
		{"301", respond(301, "", "Location", "https://elsewhere.example.test/"), "redirect", "redirect"},
		{"304 unasked", respond(304, ""), "", "status 304"},
		{"403", respond(403, ""), "status 403", "status 403"},
		{"404", respond(404, ""), "status 404", "status 404"},
		{"429", respond(429, "", "Retry-After", "60"), "status 429", "status 429"},
		{"500", respond(500, a), "status 500", "status 500"},
		{"503", respond(503, ""), "status 503", "status 503"},
		{"cut short", respond(200, a[:len(a)-20]), "not a JWK Set", "not a JWK Set"},
		{"endless", endless, "too large", "too large"},
		{"two documents", respond(200, a+b), "not a JWK Set", "not a JWK Set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &web{respond(200, a, "ETag", `"v1"`)}
				s := sourceOverHTTP(t, server)
				wantCode(t, s, "a", 0)
				server.handle = tt.answer
				time.Sleep(290 * time.Second)
				for range 20 { // due, asked, answered: the key goes on verifying
					wantCode(t, s, "a", 0)
					time.Sleep(time.Second)
				}
				settle()
				wantProblem(t, s, tt.warm, true)
				if tt.warm != errNoKeys { // which is believed after two minutes
					time.Sleep(10 * time.Minute)
					wantCode(t, s, "a", 0)
				}
				server.handle = respond(200, b) // and when it is over, it is over
				time.Sleep(10 * time.Minute)
				_ = lookUp(t, s, "a")
				settle()
				time.Sleep(12 * time.Minute)
				_ = lookUp(t, s, "b")
				settle()
				wantCode(t, s, "b", 0)
				wantProblem(t, s, "", true)
			})
			synctest.Test(t, func(t *testing.T) {
				server := &web{tt.answer}
				s := sourceOverHTTP(t, server)
				if tt.cold == "" {
					wantCode(t, s, "a", 0)
					return
				}
				wantCode(t, s, "a", keyring.Unavailable)
				wantProblem(t, s, tt.cold, false)
			})
		})
	}
}

func sourceOverHTTP(t *testing.T, w *web) *keyring.Source {
	t.Helper()
	f, err := jwks.NewFetcher(jwks.Endpoint{
		Issuer: issuerURL, JWKSURL: issuerURL + "/jwks", Client: &http.Client{Transport: w}, Configured: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := keyring.Config{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	ring := keyring.New(cfg, keyring.Options{Store: memory.New()})
	t.Cleanup(ring.Close)
	s := ring.Source(keystore.ID{Issuer: issuerURL, JWKSURL: issuerURL + "/jwks"}, f, nil)
	ring.Keep(s)
	return s
}

func wantProblem(t *testing.T, s *keyring.Source, want string, usable bool) {
	t.Helper()
	h := s.Health()
	if h.Usable != usable {
		t.Errorf("usable is %v, want %v: %s", h.Usable, usable, h.Problem)
	}
	last := s.LastProblem()
	if want == "" && last != "" || !strings.Contains(last, want) {
		t.Errorf("the last problem is %q, want %q", last, want)
	}
}
