//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestKeysListsEveryEntry(t *testing.T) {
	iss := listen(t)
	iss.SetDocument([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"},{"kty":"RSA","kid":"b","use":"enc"},{"kty":"EC","crv":"P-192"},` +
		`{"kty":"AKP"},{"kty":"OKP","crv":"Ed25519","x":"","alg":"X"},{"kty":"EC","crv":"P-256","d":"AA"},{"kty":"RSA","n":"AQAB","e":"AQAB"},` +
		strings.TrimPrefix(string(iss.JWKS()), `{"keys":[`)))
	got := invoke(t, nil, "keys", "--issuer", iss.URL(), "--json")
	var set keySet
	if err := json.Unmarshal([]byte(got.out), &set); err != nil || got.code != exitDone || set.JWKSURL != iss.JWKSURL() {
		t.Fatalf("%v: %+v", err, got)
	}
	var why []string
	for _, k := range set.Keys {
		why = append(why, k.Why)
	}
	want := []string{
		"symmetric: a secret, published", "not for signatures", "unknown curve", "unknown type", "unknown algorithm",
		"private: a secret, published", "too short", "",
	}
	if !slices.Equal(why, want) || set.Keys[7].State != keyUsable || set.Keys[7].Thumbprint == "" {
		t.Errorf("%q", why)
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, iss.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, nil, "keys", "--issuer", "https://issuer.example", "--jwks", file); got.code != exitDone || !strings.Contains(got.out, "EC P-256") {
		t.Errorf("a file: %+v", got)
	}
	iss.SetDocument([]byte(`{"keys":[]}`))
	if got := invoke(t, nil, "keys", "--issuer", iss.URL()); got.code != exitFinding {
		t.Errorf("no keys: %+v", got)
	}
	iss.Fail(http.StatusBadGateway)
	if got := invoke(t, nil, "keys", "--issuer", iss.URL()); got.code != exitUnavailable || !strings.Contains(got.err, "status 502") {
		t.Errorf("no answer: %+v", got)
	}
}

// serve runs the issuer command until the test ends.
func serve(t *testing.T) issuerReport {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"issuer", "--listen", "127.0.0.1:0", "--alg", "ES256", "--audience", testAudience, "--json"},
			strings.NewReader(""), w, io.Discard, func(string) string { return "" })
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitDone {
			t.Errorf("exit code %d", code)
		}
	})
	var report issuerReport
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &report) != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return report
}

// ask sends a request, and returns status and body.
func ask(t *testing.T, method, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// The tokens of the issuer are explained as what they are.
func TestIssuerMintsEveryShape(t *testing.T) {
	at := serve(t)
	explain := []string{"explain", "--issuer", at.Issuer, "--audience", at.Audience[0], "--json"}
	for query, diagnosis := range map[string]string{
		"": "", "?shape=machine": "", "?shape=organization&scope=read:books": "", "?sub=ada": "",
		"?shape=no-audience": "audience_empty", "?shape=id-token": "id_token", "?shape=webhook": "webhook",
		"?expires_in=-60": "expired", "?aud=" + testAudience + "/": "audience_slash", "?aud=": "audience_empty",
	} {
		status, token := ask(t, http.MethodPost, at.TokenURL+query, nil)
		got := feed(t, nil, token, explain...)
		var r explained
		if err := json.Unmarshal([]byte(got.out), &r); err != nil || status != http.StatusOK || r.Diagnosis != diagnosis {
			t.Errorf("%s: %d, want %q: %+v", query, status, diagnosis, got)
		}
	}
	for _, query := range []string{"?shape=nope", "?expires_in=soon", "?audience=x"} {
		if status, body := ask(t, http.MethodPost, at.TokenURL+query, nil); status != http.StatusBadRequest || strings.Contains(body, "nope") {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	if _, body := ask(t, http.MethodPost, at.TokenURL+"?shape=x", nil); !strings.Contains(body, string(devissuer.ShapeHasura)) {
		t.Errorf("the shapes are not named: %s", body)
	}
}

// Pages of other sites and names that lead to this machine get nothing.
func TestIssuerIsForThisMachineAlone(t *testing.T) {
	at := serve(t)
	for name, tt := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"this machine":        {func(*http.Request) {}, http.StatusOK},
		"localhost":           {func(r *http.Request) { r.Host = "localhost:1" }, http.StatusOK},
		"a page from here":    {func(r *http.Request) { r.Header.Set("Origin", "http://localhost:3000") }, http.StatusOK},
		"a name that rebinds": {func(r *http.Request) { r.Host = "evil.test" }, http.StatusForbidden},
		"a page from there":   {func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") }, http.StatusForbidden},
		"a page of nowhere":   {func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
	} {
		if status, _ := ask(t, http.MethodPost, at.TokenURL, tt.change); status != tt.status {
			t.Errorf("%s: %d, want %d", name, status, tt.status)
		}
	}
	if status, _ := ask(t, http.MethodGet, at.TokenURL, nil); status == http.StatusOK {
		t.Error("a link gets a token")
	}
}

func TestIssuerTellsPeopleWhatItIs(t *testing.T) {
	var b strings.Builder
	c := &call{stdout: &b, env: func(string) string { return "" }}
	if err := c.announce(&issuerReport{Issuer: "http://127.0.0.1:1", TokenURL: "http://127.0.0.1:1/token", Audience: []string{"a b"}}, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Not for production", "curl -s -X POST http://127.0.0.1:1/token", "--audience 'a b'"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not said:\n%s", want, b.String())
		}
	}
}
