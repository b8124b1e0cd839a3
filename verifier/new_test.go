package verifier_test

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

func TestNewNamesTheFieldAtFault(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*verifier.Policy)
		want  string
	}{
		{"no issuer", func(p *verifier.Policy) { p.Issuers = nil }, "Policy.Issuers"},
		{"issuer empty", func(p *verifier.Policy) { p.Issuers[0].URL = "" }, "Issuers[0].URL is empty"},
		{"issuer without scheme", func(p *verifier.Policy) { p.Issuers[0].URL = "example.test" }, "absolute"},
		{"issuer plain http", func(p *verifier.Policy) { p.Issuers[0] = verifier.Issuer{URL: "http://example.test"} }, "AllowHTTPUnsafe"},
		{"issuer with query", func(p *verifier.Policy) { p.Issuers[0].URL += "?x" }, "query"},
		{"issuer with fragment", func(p *verifier.Policy) { p.Issuers[0].URL += "#x" }, "fragment"},
		{"issuer with password", func(p *verifier.Policy) { p.Issuers[0].URL = "https://a:b@example.test" }, "user name"},
		{"issuer twice", func(p *verifier.Policy) { p.Issuers = append(p.Issuers, p.Issuers[0]) }, "twice"},
		{"key address", func(p *verifier.Policy) { p.Issuers[0] = verifier.Issuer{URL: issuerURL, JWKSURL: "ftp://x"} }, "JWKSURL"},
		{"static keys and address", func(p *verifier.Policy) { p.Issuers[0].JWKSURL = issuerURL }, "StaticJWKS contradicts"},
		{"static keys garbage", func(p *verifier.Policy) { p.Issuers[0].StaticJWKS = []byte("{}") }, "StaticJWKS is not"},
		{"static keys empty", func(p *verifier.Policy) { p.Issuers[0].StaticJWKS = []byte(`{"keys":[]}`) }, "no usable key"},
		{"no audience", func(p *verifier.Policy) { p.Audiences = nil }, "Audiences is empty"},
		{"empty audience", func(p *verifier.Policy) { p.Audiences = []string{""} }, "Audiences holds an empty string"},
		{"any audience, any client", func(p *verifier.Policy) { p.Audiences, p.AllowAnyAudienceUnsafe = nil, true }, "AuthorizedParties"},
		{"any audience and one", func(p *verifier.Policy) { p.AllowAnyAudienceUnsafe = true }, "contradicts"},
		{"none", func(p *verifier.Policy) { p.Algorithms = []verifier.Algorithm{"none"} }, "Algorithms"},
		{"HMAC", func(p *verifier.Policy) { p.Algorithms = []verifier.Algorithm{"HS256"} }, "Algorithms"},
		{"profile", func(p *verifier.Policy) { p.Profile = 9 }, "Profile"},
		{"leeway", func(p *verifier.Policy) { p.Leeway = time.Hour }, "Leeway"},
		{"token size", func(p *verifier.Policy) { p.MaxTokenBytes = -1 }, "MaxTokenBytes"},
		{"lifetime", func(p *verifier.Policy) { p.MaxLifetime = -1 }, "MaxLifetime"},
		{"required claim", func(p *verifier.Policy) { p.RequiredClaims = []string{""} }, "RequiredClaims"},
		{"denied key", func(p *verifier.Policy) { p.Issuers[0].DeniedKeys = []string{""} }, "DeniedKeys"},
		{"key life cycle", func(p *verifier.Policy) { p.Keys.RefreshInterval = -1 }, "Policy.Keys.RefreshInterval"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := goodPolicy()
			tt.spoil(&p)
			v, err := verifier.New(p)
			if v != nil || err == nil {
				t.Fatalf("New returned %v, %v", v, err)
			}
			if !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
}

func TestNewReportsAllProblems(t *testing.T) {
	_, err := verifier.New(verifier.Policy{Leeway: time.Hour, MaxLifetime: -1}, verifier.WithKeyStore(nil), nil,
		verifier.WithHTTPClient(nil), verifier.WithClock(nil), verifier.WithRevocation(nil))
	for _, want := range []string{
		"Issuers", "Leeway", "MaxLifetime", "WithKeyStore", "an Option is nil", "WithHTTPClient", "WithClock", "WithRevocation",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not mention %s", err, want)
		}
	}
}

type noNetwork struct{ t *testing.T }

func (n noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	n.t.Error("a request was made")
	return nil, errors.New("no network")
}

func TestNewStartsNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	v, err := verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{URL: issuerURL, HTTPClient: &http.Client{Transport: noNetwork{t}}}}, Audiences: []string{audience},
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before New, %d after", before, after)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

func TestNewCopiesThePolicy(t *testing.T) {
	p := goodPolicy()
	v := newVerifier(t, p)
	p.Audiences[1], p.Issuers[0].URL = "changed", "changed"
	wantReason(t, v, sign(t, goodHeader(), goodClaims()), "")
}

func TestClosedVerifier(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	token := sign(t, goodHeader(), goodClaims())
	wantReason(t, v, token, "")
	if err := errors.Join(v.Close(), v.Close()); err != nil {
		t.Error(err)
	}
	wantReason(t, v, token, verifier.ReasonClosed)
}
