package verifier_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// roundTrip is an issuer without a socket.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answers answers every request alike.
func answers(status int, body string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Location": {"https://else.test/"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}

func TestExplainNamesWhatKeepsTheKeysAway(t *testing.T) {
	metadata := func(jwksURL string) string { return `{"issuer":"` + issuerURL + `","jwks_uri":"` + jwksURL + `"}` }
	for _, tt := range []struct {
		diagnosis string
		transport roundTrip
	}{
		{"keys_not_found", answers(403, "")},
		{"keys_not_found", answers(404, "")},
		{"keys_rate_limit", answers(429, "")},
		{"keys_server_error", answers(500, "")},
		{"keys_redirect", answers(301, "")},
		{"keys_no_metadata", answers(200, "<html>")},
		{"keys_other_issuer", answers(200, `{"issuer":"`+issuerURL+`/","jwks_uri":"https://x.test"}`)},
		{"keys_address", answers(200, metadata("http://keys.example.test"))},
		{"keys_no_document", answers(200, metadata("https://keys.example.test"))}, // which is no key set
		{"keys_timeout", func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }},
		{"keys_host_unknown", func(*http.Request) (*http.Response, error) { return nil, &net.DNSError{IsNotFound: true} }},
		{"keys_tls", func(*http.Request) (*http.Response, error) { return nil, http.ErrSchemeMismatch }},
		{"keys_unavailable", func(*http.Request) (*http.Response, error) { return nil, errors.New("something else") }},
	} {
		t.Run(tt.diagnosis, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := goodPolicy()
				p.Issuers[0] = verifier.Issuer{URL: issuerURL, HTTPClient: &http.Client{Transport: tt.transport}}
				p.Keys.ColdWait = 20 * time.Second
				v := newVerifier(t, p)
				r := v.Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
				if r.Diagnosis != tt.diagnosis || r.Reason != verifier.ReasonKeysUnavailable {
					t.Errorf("diagnosis %q\n%s", r.Diagnosis, r)
				}
				wantOutcomes(t, r, map[string]string{"issuer": "pass", "key": "fail", "signature": "not reached", "audience": "pass?"})
				_ = v.Close()
			})
		})
	}
}

func TestExplainNamesWhatARealSocketDoes(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for diagnosis, url := range map[string]string{
		"keys_tls": secure.URL, "keys_refused": closed.URL,
	} {
		p := goodPolicy()
		p.Issuers[0] = verifier.Issuer{URL: issuerURL, JWKSURL: url}
		r := newVerifier(t, p).Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
		if r.Diagnosis != diagnosis {
			t.Errorf("diagnosis %q, want %q\n%s", r.Diagnosis, diagnosis, r)
		}
	}
}

func TestExplainNamesWhatIsWrongWithTheKey(t *testing.T) {
	fetches := 0
	p := goodPolicy()
	p.Issuers[0] = verifier.Issuer{
		URL: issuerURL, JWKSURL: issuerURL + "/keys",
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			fetches++
			return answers(200, string(testKey().jwks))(r)
		})},
	}
	v := newVerifier(t, p)
	if err := v.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := fetches
	other := with(goodHeader(), object{"kid": "key-2"})
	explained(t, v, []brokenToken{
		{"no kid and no key for it", sign(t, object{"alg": "ES256"}, goodClaims()), "no_key_id", ""},
		{"an old token", sign(t, other, with(goodClaims(), object{"exp": now.Unix() - 99})), "old_token", ""},
		{"a token that could not be valid", sign(t, other, with(goodClaims(), object{"aud": "x"})), "key_not_asked_for", ""},
		{"another algorithm's key", sign(t, with(goodHeader(), object{"alg": "ES256"}), goodClaims()), "unusable_key", ""},
	})
	if fetches != before {
		t.Errorf("%d fetches for tokens that cannot be valid", fetches-before)
	}
	if r := v.Explain(t.Context(), sign(t, other, goodClaims())); r.Diagnosis != "unknown_key" {
		t.Errorf("a promising token: %s", r)
	}
	if err := v.RevokeKey(t.Context(), issuerURL, keyID); err != nil {
		t.Fatal(err)
	}
	if r := v.Explain(t.Context(), sign(t, goodHeader(), goodClaims())); r.Diagnosis != "denied_key" {
		t.Errorf("a denied key: %s", r)
	}
}

// Hooks are asked once, as Verify does, and what they know is told.
func TestExplainAsksHooksOnce(t *testing.T) {
	asked := map[string]int{}
	p := goodPolicy()
	p.Issuers = nil
	v := newVerifier(t, p,
		verifier.WithIssuerResolver(func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
			asked["resolver"]++
			return verifier.Issuer{URL: iss, StaticJWKS: testKey().jwks}, iss == issuerURL, nil
		}),
		verifier.WithRevocation(func(context.Context, *verifier.Token) (bool, error) {
			asked["revocation"]++
			return true, nil
		}),
		verifier.WithOpaqueTokens(func(context.Context, string) ([]byte, error) {
			asked["introspection"]++
			return []byte(`{"active":false}`), nil
		}))
	r := v.Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
	wantOutcomes(t, r, map[string]string{"issuer": "pass", "binding": "pass", "revocation": "fail", "introspection": ""})
	if r.Diagnosis != "revoked" {
		t.Errorf("a revoked token: %s", r)
	}
	r = v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"iss": "https://else.test", "exp": 1})))
	wantOutcomes(t, r, map[string]string{"issuer": "fail", "time": "fail?", "revocation": "not reached"})
	r = v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"exp": 1})))
	wantOutcomes(t, r, map[string]string{"issuer": "pass", "time": "fail", "audience": "pass"})
	r = v.Explain(t.Context(), sign(t, object{"alg": "none"}, goodClaims()))
	wantOutcomes(t, r, map[string]string{"header": "fail", "issuer": "not reached"})
	r = v.Explain(t.Context(), "opaque-token")
	wantOutcomes(t, r, map[string]string{"form": "pass", "introspection": "fail", "issuer": "not reached", "signature": "", "header": ""})
	if asked["resolver"] != 3 || asked["revocation"] != 1 || asked["introspection"] != 1 {
		t.Errorf("asked %v", asked)
	}
}

func TestACanceledExplanationSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := goodPolicy()
	p.Issuers[0] = verifier.Issuer{URL: issuerURL, HTTPClient: &http.Client{Transport: answers(500, "")}}
	v := newVerifier(t, p)
	r := v.Explain(ctx, sign(t, goodHeader(), goodClaims()))
	wantOutcomes(t, r, map[string]string{"issuer": "pass", "key": "fail", "signature": "not reached"})
	if r.Reason != verifier.ReasonCanceled {
		t.Errorf("%s", r)
	}
	_ = v.Close()
	if r := v.Explain(t.Context(), sign(t, goodHeader(), goodClaims())); r.Diagnosis != "closed" {
		t.Errorf("a closed verifier: %s", r)
	}
}
