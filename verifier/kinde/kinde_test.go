package kinde_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

const audience = "https://api.bookshop.example"

func TestDomainForms(t *testing.T) {
	const tenant = "https://bookshop.kinde.com"
	for domain, want := range map[string][2]string{ // iss, address of the keys
		"bookshop":                                 {tenant, tenant + "/.well-known/jwks"},
		"BookShop":                                 {tenant, tenant + "/.well-known/jwks"},
		"bookshop.kinde.com":                       {tenant, tenant + "/.well-known/jwks"},
		"bookshop.kinde.com/":                      {tenant, tenant + "/.well-known/jwks"},
		"https://bookshop.kinde.com":               {tenant, tenant + "/.well-known/jwks"},
		"https://bookshop.kinde.com/":              {tenant, tenant + "/.well-known/jwks"},
		"HTTPS://BookShop.Kinde.com":               {tenant, tenant + "/.well-known/jwks"},
		"https://bookshop.kinde.com:443":           {tenant, tenant + "/.well-known/jwks"},
		"https://bookshop.kinde.com:/":             {tenant, tenant + "/.well-known/jwks"},
		tenant + "/.well-known/jwks":               {tenant, tenant + "/.well-known/jwks"},
		tenant + "/.well-known/jwks/":              {tenant, tenant + "/.well-known/jwks"},
		tenant + "/.well-known/jwks.json":          {tenant, tenant + "/.well-known/jwks.json"},
		"bookshop.kinde.com/.well-known/jwks":      {tenant, tenant + "/.well-known/jwks"},
		"auth.bookshop.example":                    {"https://auth.bookshop.example", "https://auth.bookshop.example/.well-known/jwks"},
		"https://auth.bookshop.example":            {"https://auth.bookshop.example", "https://auth.bookshop.example/.well-known/jwks"},
		"auth.bookshop.example:8443":               {"https://auth.bookshop.example:8443", "https://auth.bookshop.example:8443/.well-known/jwks"},
		"http://127.0.0.1:8081":                    {"http://127.0.0.1:8081", "http://127.0.0.1:8081/.well-known/jwks"},
		"http://[::1]:8081":                        {"http://[::1]:8081", "http://[::1]:8081/.well-known/jwks"},
		"http://localhost:8081/.well-known/jwks":   {"http://localhost:8081", "http://localhost:8081/.well-known/jwks"},
		"http://shop.localhost:8081":               {"http://shop.localhost:8081", "http://shop.localhost:8081/.well-known/jwks"},
		"https://localhost:8081":                   {"https://localhost:8081", "https://localhost:8081/.well-known/jwks"},
		"localhost":                                {"https://localhost", "https://localhost/.well-known/jwks"},
		"https://xn--bcher-kva.example/":           {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example/.well-known/jwks"},
		"https://AUTH.bookshop.example:443/":       {"https://auth.bookshop.example", "https://auth.bookshop.example/.well-known/jwks"},
		"https://a.kinde.com/.well-known/jwks":     {"https://a.kinde.com", "https://a.kinde.com/.well-known/jwks"},
		"https://kinde.bookshop.example:8443/":     {"https://kinde.bookshop.example:8443", "https://kinde.bookshop.example:8443/.well-known/jwks"},
		"my-shop":                                  {"https://my-shop.kinde.com", "https://my-shop.kinde.com/.well-known/jwks"},
		"http://127.0.0.1:1/.well-known/jwks.json": {"http://127.0.0.1:1", "http://127.0.0.1:1/.well-known/jwks.json"},
	} {
		p, err := kinde.Policy(kinde.Config{Domain: domain, Audiences: []string{audience}})
		if err != nil {
			t.Errorf("%s: %v", domain, err)
			continue
		}
		if got := p.Issuers[0]; len(p.Issuers) != 1 || got.URL != want[0] || got.JWKSURL != want[1] {
			t.Errorf("%s: issuer %s with keys at %s", domain, got.URL, got.JWKSURL)
		}
		if !slices.Equal(p.Algorithms, []verifier.Algorithm{verifier.RS256}) {
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
	with := func(domain string) kinde.Config { return kinde.Config{Domain: domain, Audiences: []string{audience}} }
	extra := func(domains ...string) kinde.Config {
		return kinde.Config{Domain: "a", ExtraDomains: domains, Audiences: []string{audience}}
	}
	for name, tt := range map[string]struct {
		cfg  kinde.Config
		want []string // one line of the error each
	}{
		"nothing":             {kinde.Config{}, []string{"Config.Domain is empty", "Config.Audiences is empty: set the audience you registered"}},
		"white space":         {with("book shop"), []string{"Config.Domain holds white space"}},
		"line end":            {with("bookshop\n"), []string{"Config.Domain holds white space"}},
		"no-break space":      {with("bookshop\u00a0"), []string{"Config.Domain holds white space"}},
		"path":                {with("https://bookshop.kinde.com/oauth2"), []string{"Config.Domain has a path"}},
		"discovery":           {with("https://bookshop.kinde.com/.well-known/openid-configuration"), []string{"Config.Domain has a path"}},
		"path and keys":       {with("https://bookshop.kinde.com/x/.well-known/jwks"), []string{"Config.Domain has a path"}},
		"two slashes":         {with("https://bookshop.kinde.com//"), []string{"Config.Domain has a path"}},
		"query":               {with("https://bookshop.kinde.com?x=1"), []string{"Config.Domain has a query"}},
		"empty query":         {with("https://bookshop.kinde.com/?"), []string{"Config.Domain has a query"}},
		"fragment":            {with("https://bookshop.kinde.com#x"), []string{"Config.Domain has a fragment"}},
		"empty fragment":      {with("https://bookshop.kinde.com#"), []string{"Config.Domain has a fragment"}},
		"user":                {with("https://a:b@bookshop.kinde.com"), []string{"Config.Domain holds a user name"}},
		"user without scheme": {with("a@bookshop.kinde.com"), []string{"Config.Domain holds a user name"}},
		"plain http":          {with("http://bookshop.kinde.com"), []string{"Config.Domain is plain http"}},
		"nearly loopback":     {with("http://127.0.0.1.bookshop.example"), []string{"Config.Domain is plain http"}},
		"nearly localhost":    {with("http://notlocalhost:8081"), []string{"Config.Domain is plain http"}},
		"other scheme":        {with("ftp://bookshop.kinde.com"), []string{"Config.Domain is not an https address"}},
		"no host":             {with("https://"), []string{"Config.Domain names no host"}},
		"port alone":          {with("https://:8443"), []string{"Config.Domain names no host"}},
		"port of letters":     {with("bookshop.kinde.com:https"), []string{"Config.Domain names no host"}},
		"empty label":         {with("bookshop..kinde.com"), []string{"Config.Domain names no host"}},
		"dot at the end":      {with("bookshop.kinde.com."), []string{"Config.Domain names no host"}},
		"letters beyond":      {with("bücher.example"), []string{"Config.Domain names no host"}},
		"backslash":           {with(`bookshop.kinde.com\x`), []string{"Config.Domain names no host"}},
		"placeholder":         {with("https://<your_subdomain>.kinde.com"), []string{"Config.Domain names no host"}},
		"extra":               {extra("", "c d"), []string{"Config.ExtraDomains[0] is empty", "Config.ExtraDomains[1] holds white space"}},
		"twice":               {extra("b", "https://A.kinde.com/"), []string{"Config.ExtraDomains[1] occurs twice"}},
		"twice in extra":      {extra("b", "b.kinde.com/.well-known/jwks"), []string{"Config.ExtraDomains[1] occurs twice"}},
		"no audience":         {kinde.Config{Domain: "a"}, []string{"Config.Audiences is empty"}},
		"any, no client":      {kinde.Config{Domain: "a", AllowAnyAudienceUnsafe: true}, []string{"Config.Clients is empty"}},
		"any and one": {
			kinde.Config{Domain: "a", AllowAnyAudienceUnsafe: true, Audiences: []string{"x"}},
			[]string{"Config.Audiences contradicts"},
		},
		"empty in lists": {
			kinde.Config{Domain: "a", Audiences: []string{""}, Clients: []string{"c", ""}},
			[]string{"Config.Audiences holds an empty string", "Config.Clients holds an empty string"},
		},
	} {
		_, err := kinde.Policy(tt.cfg)
		wantError(t, name, err, tt.want...)
	}
}

// wantError expects an error of just these lines, by their beginnings.
func wantError(t *testing.T, name string, err error, want ...string) {
	t.Helper()
	if !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("%s: error %v", name, err)
		return
	}
	text := strings.TrimPrefix(err.Error(), verifier.ErrMisconfigured.Error()+": ")
	lines := strings.Split(text, "\n")
	if len(lines) != len(want) {
		t.Errorf("%s: %d lines, want %d: %v", name, len(lines), len(want), err)
		return
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, "kinde: "+want[i]) {
			t.Errorf("%s: line %q does not begin with %q", name, line, want[i])
		}
	}
}

func TestPolicyIsACopy(t *testing.T) {
	cfg := kinde.Config{Domain: "a", Audiences: []string{"x"}, Clients: []string{"y"}}
	p, err := kinde.Policy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Audiences[0], cfg.Clients[0] = "changed", "changed"
	if p.Audiences[0] != "x" || p.AuthorizedParties[0] != "y" {
		t.Errorf("audiences %v, clients %v", p.Audiences, p.AuthorizedParties)
	}
}
