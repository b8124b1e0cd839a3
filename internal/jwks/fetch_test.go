package jwks_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
)

func fetcher(tb testing.TB, e jwks.Endpoint) *jwks.Fetcher {
	tb.Helper()
	f, err := jwks.NewFetcher(e)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func serve(tb testing.TB, h http.HandlerFunc) string {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s.URL
}

func wantFetchCode(tb testing.TB, name string, err error, want jwks.FetchCode) {
	tb.Helper()
	var fe *jwks.FetchError
	if !errors.As(err, &fe) || fe.Code != want {
		tb.Errorf("%s: %v, want code %d", name, err, want)
		return
	}
	if strings.Contains(fe.Error(), "://") || strings.Contains(fe.Error(), "127.0.0.1") {
		tb.Errorf("%s: the error names an address: %v", name, fe)
	}
}

func TestFetch(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Error("credentials were sent")
		}
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Cache-Control", "public, max-age=120")
		w.Header().Set("Age", "20")
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, `{"keys":[]}`)
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "secret"}})
	f := fetcher(t, jwks.Endpoint{Issuer: address, Client: &http.Client{Jar: jar}, Configured: true})
	a, err := f.Fetch(t.Context(), jwks.Request{URL: address})
	if err != nil || string(a.Document) != `{"keys":[]}` || a.ETag != `"v1"` || a.FreshFor != 100*time.Second || !a.HasFreshFor {
		t.Fatalf("%+v, %v", a, err)
	}
	if a, err = f.Fetch(t.Context(), jwks.Request{URL: address, ETag: a.ETag}); err != nil || !a.NotModified || a.Document != nil {
		t.Errorf("conditional: %+v, %v", a, err)
	}
}

func TestFetchRefuses(t *testing.T) {
	var canary atomic.Int64
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { canary.Add(1) })
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	var sent atomic.Int64
	endless := func(w http.ResponseWriter, _ *http.Request) {
		block := bytes.Repeat([]byte(" "), 64<<10)
		for range 1 << 12 { // 256 MiB at most
			n, err := w.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    jwks.FetchCode
	}{
		"204": {status(204), jwks.Status}, "304 unasked": {status(304), jwks.NotModifiedUnasked}, "403": {status(403), jwks.Status},
		"404": {status(404), jwks.Status}, "429": {status(429), jwks.Status}, "500": {status(500), jwks.Status},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) }, jwks.Redirected},
		"permanent redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusPermanentRedirect)
		}, jwks.Redirected},
		"20 MB":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 20<<20)) }, jwks.TooLarge},
		"never ends": {endless, jwks.TooLarge},
		"gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 50<<20))
			_ = z.Close()
		}, jwks.TooLarge},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"keys":[`)
		}, jwks.Unreachable},
		"huge header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 200<<10)) }, jwks.Unreachable},
	} {
		address := serve(t, tt.handler)
		_, err := fetcher(t, jwks.Endpoint{Issuer: address, Configured: true}).Fetch(t.Context(), jwks.Request{URL: address})
		wantFetchCode(t, name, err, tt.want)
	}
	if canary.Load() > 0 {
		t.Error("a redirect was followed")
	}
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes of an answer without end were taken", n)
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	_, err := fetcher(t, jwks.Endpoint{Issuer: closed.URL, Configured: true}).Fetch(t.Context(), jwks.Request{URL: closed.URL})
	wantFetchCode(t, "refused", err, jwks.Unreachable)
	ctx, cancel := context.WithCancel(t.Context())
	hung := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err = fetcher(t, jwks.Endpoint{Issuer: hung, Configured: true}).Fetch(ctx, jwks.Request{URL: hung})
	wantFetchCode(t, "given up", err, jwks.TimedOut)
}

func TestTemporaryErrors(t *testing.T) {
	for _, tt := range []struct {
		err  jwks.FetchError
		want bool
	}{
		{jwks.FetchError{Code: jwks.Unreachable}, true}, {jwks.FetchError{Code: jwks.Status, Status: 503}, true},
		{jwks.FetchError{Code: jwks.Status, Status: 502}, true}, {jwks.FetchError{Code: jwks.Status, Status: 504}, true},
		{jwks.FetchError{Code: jwks.Status, Status: 503, RetryAfter: 1}, false}, {jwks.FetchError{Code: jwks.Status, Status: 500}, false},
		{jwks.FetchError{Code: jwks.TimedOut}, false}, {jwks.FetchError{Code: jwks.TooLarge}, false},
	} {
		if got := tt.err.Temporary(); got != tt.want {
			t.Errorf("%v with status %d: %v", tt.err.Code, tt.err.Status, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "-1": 0, "86400": 10 * time.Minute, "99999999999999999999": 0, "soon": 0,
		"Mon, 01 Jan 2001 00:00:00 GMT": 0, "Fri, 01 Jan 2100 00:00:00 GMT": 10 * time.Minute,
	} {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := fetcher(t, jwks.Endpoint{Issuer: address, Configured: true}).Fetch(t.Context(), jwks.Request{URL: address})
		var fe *jwks.FetchError
		if !errors.As(err, &fe) || fe.RetryAfter != want {
			t.Errorf("%q: %v, want %v", value, fe.RetryAfter, want)
		}
	}
}

func TestFreshness(t *testing.T) {
	for name, tt := range map[string]struct {
		header map[string]string
		want   time.Duration
		has    bool
	}{
		"nothing":        {nil, 0, false},
		"max-age":        {map[string]string{"Cache-Control": "max-age=60"}, time.Minute, true},
		"max-age, age":   {map[string]string{"Cache-Control": "max-age=60", "Age": "50"}, 10 * time.Second, true},
		"old":            {map[string]string{"Cache-Control": "max-age=60", "Age": "500"}, 0, true},
		"quoted":         {map[string]string{"Cache-Control": `public, Max-Age="60"`}, time.Minute, true},
		"no-store":       {map[string]string{"Cache-Control": "no-store, max-age=0"}, 0, false},
		"no-cache":       {map[string]string{"Cache-Control": "no-cache, max-age=60"}, 0, false},
		"garbage":        {map[string]string{"Cache-Control": "max-age=soon"}, 0, false},
		"negative":       {map[string]string{"Cache-Control": "max-age=-1"}, 0, false},
		"expires":        {map[string]string{"Date": "Mon, 03 Feb 2031 04:05:00 GMT", "Expires": "Mon, 03 Feb 2031 04:06:00 GMT"}, time.Minute, true},
		"expires 0":      {map[string]string{"Expires": "0"}, 0, true},
		"max-age counts": {map[string]string{"Cache-Control": "max-age=60", "Expires": "0"}, time.Minute, true},
	} {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range tt.header {
				w.Header().Set(k, v)
			}
		})
		a, err := fetcher(t, jwks.Endpoint{Issuer: address, Configured: true}).Fetch(t.Context(), jwks.Request{URL: address})
		if err != nil || a.FreshFor != tt.want || a.HasFreshFor != tt.has {
			t.Errorf("%s: %v, %v, %v", name, a.FreshFor, a.HasFreshFor, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://issuer.example.test": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost": true, "http://a.localhost": true,
		"http://issuer.example.test": false, "ftp://issuer.example.test": false, "https://a:b@issuer.example.test": false, "https://x#y": false,
		"https://": false, "file:///etc/passwd": false, "http://localhost.evil.test": false, "http://127.0.0.1.evil.test": false,
	} {
		if _, err := jwks.NewFetcher(jwks.Endpoint{Issuer: address}); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := jwks.NewFetcher(jwks.Endpoint{Issuer: "http://issuer.example.test", AllowHTTP: true}); err != nil {
		t.Errorf("plain http allowed: %v", err)
	}
}

// A host that nobody configured must not lead into a private network.
func TestDialGuard(t *testing.T) {
	var hits atomic.Int64
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); _, _ = io.WriteString(w, "{}") })
	other := strings.Replace(address, "127.0.0.1", "localhost", 1)
	for name, tt := range map[string]struct {
		endpoint jwks.Endpoint
		url      string
		want     jwks.FetchCode // 0: an answer
	}{
		"configured host":          {jwks.Endpoint{Issuer: address, Configured: true}, address, 0},
		"configured address":       {jwks.Endpoint{Issuer: "https://issuer.example.test", JWKSURL: address, Configured: true}, address, 0},
		"discovered loopback":      {jwks.Endpoint{Issuer: address, Configured: true}, other, jwks.Forbidden},
		"loopback of a tenant":     {jwks.Endpoint{Issuer: address}, address, jwks.Forbidden},
		"private network":          {jwks.Endpoint{Issuer: address}, "https://10.0.0.1/jwks", jwks.Forbidden},
		"link-local metadata":      {jwks.Endpoint{Issuer: address, AllowHTTP: true}, "http://169.254.169.254/", jwks.Forbidden},
		"mapped loopback":          {jwks.Endpoint{Issuer: address, AllowHTTP: true}, "http://[::ffff:127.0.0.1]:1/", jwks.Forbidden},
		"unspecified address":      {jwks.Endpoint{Issuer: address, AllowHTTP: true}, "http://0.0.0.0:1/", jwks.Forbidden},
		"unique local address":     {jwks.Endpoint{Issuer: address, AllowHTTP: true}, "http://[fd00::1]:1/", jwks.Forbidden},
		"carrier-grade address":    {jwks.Endpoint{Issuer: address, AllowHTTP: true}, "http://100.100.100.200/", jwks.Forbidden},
		"the client's own dialing": {jwks.Endpoint{Issuer: address, Client: &http.Client{Transport: &http.Transport{}}}, address, 0},
	} {
		before := hits.Load()
		_, err := fetcher(t, tt.endpoint).Fetch(t.Context(), jwks.Request{URL: tt.url})
		if tt.want == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantFetchCode(t, name, err, tt.want)
		if hits.Load() != before {
			t.Errorf("%s: the server was reached", name)
		}
	}
}

// A private authority is the business of the client that comes with the issuer.
func TestPrivateAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // which would tell of the refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := fetcher(t, jwks.Endpoint{Issuer: server.URL, Configured: true}).Fetch(t.Context(), jwks.Request{URL: server.URL})
	wantFetchCode(t, "unknown authority", err, jwks.Unreachable)
	if _, err := fetcher(t, jwks.Endpoint{Issuer: server.URL, Client: server.Client()}).Fetch(t.Context(), jwks.Request{URL: server.URL}); err != nil {
		t.Errorf("known authority: %v", err)
	}
}
