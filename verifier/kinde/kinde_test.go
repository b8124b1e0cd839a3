package kinde_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
)

const audience = "https://api.bookshop.example"

func TestDomainForms(t *testing.T) {
	for domain, want := range map[string]verifier.Issuer{
		"bookshop":                                         {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks"},
		"bookshop.kinde.com":                               {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks"},
		"https://bookshop.kinde.com":                       {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks"},
		"https://bookshop.kinde.com/":                      {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks"},
		"https://BookShop.kinde.com":                       {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks"},
		"https://bookshop.kinde.com/.well-known/jwks":      {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks"},
		"https://bookshop.kinde.com/.well-known/jwks.json": {URL: "https://bookshop.kinde.com", JWKSURL: "https://bookshop.kinde.com/.well-known/jwks.json"},
		"auth.bookshop.example":                            {URL: "https://auth.bookshop.example", JWKSURL: "https://auth.bookshop.example/.well-known/jwks"},
		"http://127.0.0.1:8081":                            {URL: "http://127.0.0.1:8081", JWKSURL: "http://127.0.0.1:8081/.well-known/jwks"},
		"http://shop.localhost:8081":                       {URL: "http://shop.localhost:8081", JWKSURL: "http://shop.localhost:8081/.well-known/jwks"},
	} {
		p, err := kinde.Policy(kinde.Config{Domain: domain, Audiences: []string{audience}})
		if err != nil {
			t.Errorf("%s: %v", domain, err)
			continue
		}
		if got := p.Issuers[0]; got.URL != want.URL || got.JWKSURL != want.JWKSURL {
			t.Errorf("%s: issuer %s with keys at %s", domain, got.URL, got.JWKSURL)
		}
		if len(p.Algorithms) != 1 || p.Algorithms[0] != verifier.RS256 {
			t.Errorf("%s: algorithms %v", domain, p.Algorithms)
		}
		if v, err := verifier.New(p); err != nil {
			t.Errorf("%s: %v", domain, err)
		} else if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  kinde.Config
		want string
	}{
		"nothing":          {kinde.Config{}, "Domain is empty"},
		"white space":      {kinde.Config{Domain: "book shop"}, "white space"},
		"path":             {kinde.Config{Domain: "https://bookshop.kinde.com/oauth2"}, "path"},
		"query":            {kinde.Config{Domain: "https://bookshop.kinde.com?x=1"}, "query"},
		"user":             {kinde.Config{Domain: "https://a:b@bookshop.kinde.com"}, "user"},
		"plain http":       {kinde.Config{Domain: "http://bookshop.kinde.com"}, "plain http"},
		"other scheme":     {kinde.Config{Domain: "ftp://bookshop.kinde.com"}, "https"},
		"no host":          {kinde.Config{Domain: "https://"}, "not a domain"},
		"extra":            {kinde.Config{Domain: "a", ExtraDomains: []string{""}}, "ExtraDomains[0] is empty"},
		"twice":            {kinde.Config{Domain: "a", ExtraDomains: []string{"b", "https://a.kinde.com/"}}, "ExtraDomains[1] occurs twice"},
		"no audience":      {kinde.Config{Domain: "a"}, "Audiences is empty"},
		"any, no client":   {kinde.Config{Domain: "a", AllowAnyAudienceUnsafe: true}, "Clients is empty"},
		"any and one":      {kinde.Config{Domain: "a", AllowAnyAudienceUnsafe: true, Audiences: []string{"x"}}, "contradicts"},
		"empty in list":    {kinde.Config{Domain: "a", Audiences: []string{""}}, "empty string"},
		"several at fault": {kinde.Config{}, "Audiences is empty"},
	} {
		_, err := kinde.Policy(tt.cfg)
		if err == nil || !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tt.want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want string // of the error; "" for none
	}{
		"nothing":        {nil, "KINDE_DOMAIN is not set"},
		"no audience":    {map[string]string{"KINDE_DOMAIN": "bookshop"}, "KINDE_AUDIENCE is not set"},
		"both":           {map[string]string{"KINDE_DOMAIN": "bookshop", "KINDE_AUDIENCE": "a b"}, ""},
		"other name":     {map[string]string{"KINDE_ISSUER_URL": "https://bookshop.kinde.com", "KINDE_AUDIENCE": "a"}, ""},
		"differ":         {map[string]string{"KINDE_DOMAIN": "a", "KINDE_ISSUER_URL": "b", "KINDE_AUDIENCE": "a"}, "differ"},
		"empty domain":   {map[string]string{"KINDE_DOMAIN": "", "KINDE_AUDIENCE": "a"}, "KINDE_DOMAIN is set but empty"},
		"empty audience": {map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": " "}, "KINDE_AUDIENCE is set but empty"},
		"empty client":   {map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": "a", "KINDE_CLIENT_ID": ""}, "KINDE_CLIENT_ID is set but empty"},
		"malformed":      {map[string]string{"KINDE_DOMAIN": "http://x.test", "KINDE_AUDIENCE": "a"}, "plain http"},
		"two domains":    {map[string]string{"KINDE_DOMAIN": "a b", "KINDE_AUDIENCE": "a"}, "KINDE_EXTRA_DOMAINS"},
		"everything": {map[string]string{
			"KINDE_DOMAIN": "a", "KINDE_EXTRA_DOMAINS": "b c", "KINDE_AUDIENCE": "x", "KINDE_CLIENT_ID": "y",
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"KINDE_DOMAIN", "KINDE_ISSUER_URL", "KINDE_EXTRA_DOMAINS", "KINDE_AUDIENCE", "KINDE_CLIENT_ID"} {
				t.Setenv(v, "") // restores it afterwards
				if err := os.Unsetenv(v); err != nil {
					t.Fatal(err)
				}
			}
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			_, err := kinde.FromEnv()
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

// What may arrive at an API of Kinde's, and what becomes of it.
func TestTokens(t *testing.T) {
	issuer, err := devissuer.New("https://bookshop.kinde.com")
	if err != nil {
		t.Fatal(err)
	}
	other, err := devissuer.New("https://staging.kinde.com")
	if err != nil {
		t.Fatal(err)
	}
	p, err := kinde.Policy(kinde.Config{Domain: "bookshop", Audiences: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(p, verifier.WithHTTPClient(&http.Client{Transport: issuer.RoundTripper()}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	forAPI := func(c devissuer.Claims) devissuer.Claims {
		c["aud"] = []string{audience}
		return c
	}
	for name, tt := range map[string]struct {
		from   *devissuer.Issuer
		claims devissuer.Claims
		want   verifier.Reason
	}{
		"user":                  {issuer, forAPI(devissuer.UserClaims()), ""},
		"machine without sub":   {issuer, forAPI(devissuer.MachineClaims("read:books")), ""},
		"audience not asked":    {issuer, devissuer.UserClaims(), verifier.ReasonNoAudience},
		"ID token":              {issuer, devissuer.IDTokenClaims(), verifier.ReasonWrongKind},
		"webhook":               {issuer, devissuer.WebhookClaims(), verifier.ReasonIssuer},
		"another environment":   {other, forAPI(devissuer.UserClaims()), verifier.ReasonIssuer},
		"management API's own":  {issuer, devissuer.Claims{"aud": []string{"https://bookshop.kinde.com/api"}}, verifier.ReasonAudience},
		"ID token, audience ok": {issuer, forAPI(devissuer.IDTokenClaims()), verifier.ReasonWrongKind},
	} {
		token, err := tt.from.Mint(tt.claims)
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Verify(t.Context(), token)
		var got verifier.Reason
		if e, ok := errors.AsType[*verifier.Error](err); ok {
			got = e.Reason
		}
		if got != tt.want {
			t.Errorf("%s: reason %q, want %q", name, got, tt.want)
		}
	}
}

func ExamplePolicy() {
	policy, err := kinde.Policy(kinde.Config{
		Domain:       "auth.bookshop.example",        // where people sign in
		ExtraDomains: []string{"bookshop.kinde.com"}, // where machines get theirs
		Audiences:    []string{"https://api.bookshop.example"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, issuer := range policy.Issuers {
		fmt.Println(issuer.URL)
	}
	_, err = kinde.Policy(kinde.Config{Domain: "bookshop"})
	fmt.Println(errors.Is(err, verifier.ErrMisconfigured))
	// Output:
	// https://auth.bookshop.example
	// https://bookshop.kinde.com
	// true
}
