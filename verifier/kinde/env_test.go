package kinde_test

import (
	"os"
	"slices"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// setenv makes env the whole of what FromEnv sees, until the test ends.
func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"KINDE_DOMAIN", "KINDE_ISSUER_URL", "KINDE_EXTRA_DOMAINS", "KINDE_AUDIENCE", "KINDE_CLIENT_ID", "KINDE_JWKS_URI",
	} {
		value, set := env[name]
		t.Setenv(name, value) // restores it afterwards
		if set {
			continue
		}
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFromEnv(t *testing.T) {
	const keys = "/.well-known/jwks"
	for name, tt := range map[string]struct {
		env       map[string]string
		issuers   [][2]string // iss, address of the keys
		audiences []string
		clients   []string
	}{
		"both": {
			map[string]string{"KINDE_DOMAIN": "bookshop", "KINDE_AUDIENCE": "a  b"},
			[][2]string{{"https://bookshop.kinde.com", "https://bookshop.kinde.com" + keys}}, []string{"a", "b"}, nil,
		},
		"line ends": {
			map[string]string{"KINDE_DOMAIN": "bookshop\n", "KINDE_AUDIENCE": "a\n"},
			[][2]string{{"https://bookshop.kinde.com", "https://bookshop.kinde.com" + keys}}, []string{"a"}, nil,
		},
		"other name": {
			map[string]string{"KINDE_ISSUER_URL": "https://bookshop.kinde.com", "KINDE_AUDIENCE": "a"},
			[][2]string{{"https://bookshop.kinde.com", "https://bookshop.kinde.com" + keys}}, []string{"a"}, nil,
		},
		"both names for one domain": {
			map[string]string{"KINDE_DOMAIN": "bookshop", "KINDE_ISSUER_URL": "https://bookshop.kinde.com/", "KINDE_AUDIENCE": "a"},
			[][2]string{{"https://bookshop.kinde.com", "https://bookshop.kinde.com" + keys}}, []string{"a"}, nil,
		},
		"keys elsewhere": {
			map[string]string{"KINDE_DOMAIN": "bookshop", "KINDE_AUDIENCE": "a", "KINDE_JWKS_URI": "http://localhost:9000/keys?v=1"},
			[][2]string{{"https://bookshop.kinde.com", "http://localhost:9000/keys?v=1"}}, []string{"a"}, nil,
		},
		"everything": {
			map[string]string{
				"KINDE_DOMAIN": "a", "KINDE_EXTRA_DOMAINS": "b\tauth.c.example", "KINDE_AUDIENCE": "x", "KINDE_CLIENT_ID": "y z",
				"KINDE_JWKS_URI": "https://a.kinde.com/.well-known/jwks.json",
			},
			[][2]string{
				{"https://a.kinde.com", "https://a.kinde.com" + keys + ".json"},
				{"https://b.kinde.com", "https://b.kinde.com" + keys},
				{"https://auth.c.example", "https://auth.c.example" + keys},
			}, []string{"x"}, []string{"y", "z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, tt.env)
			p, err := kinde.FromEnv()
			if err != nil {
				t.Fatal(err)
			}
			var issuers [][2]string
			for _, iss := range p.Issuers {
				issuers = append(issuers, [2]string{iss.URL, iss.JWKSURL})
			}
			if !slices.Equal(issuers, tt.issuers) || !slices.Equal(p.Audiences, tt.audiences) || !slices.Equal(p.AuthorizedParties, tt.clients) {
				t.Errorf("issuers %v, audiences %v, clients %v", issuers, p.Audiences, p.AuthorizedParties)
			}
			if v, err := verifier.New(p); err != nil {
				t.Error(err)
			} else if err := v.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFromEnvErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"nothing":        {nil, []string{"KINDE_DOMAIN is empty", "KINDE_AUDIENCE is empty"}},
		"no audience":    {map[string]string{"KINDE_DOMAIN": "a"}, []string{"KINDE_AUDIENCE is empty: set the audience you registered"}},
		"empty domain":   {map[string]string{"KINDE_DOMAIN": " ", "KINDE_AUDIENCE": "a"}, []string{"KINDE_DOMAIN is empty"}},
		"empty issuer":   {map[string]string{"KINDE_ISSUER_URL": "", "KINDE_AUDIENCE": "a"}, []string{"KINDE_ISSUER_URL is empty"}},
		"empty audience": {map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": " "}, []string{"KINDE_AUDIENCE is empty"}},
		"empty options": {
			map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": "a", "KINDE_CLIENT_ID": "", "KINDE_EXTRA_DOMAINS": "\n", "KINDE_JWKS_URI": ""},
			[]string{"KINDE_EXTRA_DOMAINS is set but empty", "KINDE_CLIENT_ID is set but empty", "KINDE_JWKS_URI is set but empty"},
		},
		"differ": {
			map[string]string{"KINDE_DOMAIN": "a", "KINDE_ISSUER_URL": "b", "KINDE_AUDIENCE": "a"},
			[]string{"KINDE_DOMAIN and KINDE_ISSUER_URL differ"},
		},
		"one of two empty": {
			map[string]string{"KINDE_DOMAIN": "a", "KINDE_ISSUER_URL": "", "KINDE_AUDIENCE": "a"},
			[]string{"KINDE_DOMAIN and KINDE_ISSUER_URL differ"},
		},
		"malformed": {
			map[string]string{"KINDE_DOMAIN": "http://x.test", "KINDE_EXTRA_DOMAINS": "b https://c.example/x", "KINDE_AUDIENCE": "a"},
			[]string{"KINDE_DOMAIN is plain http", "KINDE_EXTRA_DOMAINS[1] has a path"},
		},
		"malformed issuer": {map[string]string{"KINDE_ISSUER_URL": "ftp://x.test", "KINDE_AUDIENCE": "a"}, []string{"KINDE_ISSUER_URL is not an https"}},
		"two domains":      {map[string]string{"KINDE_DOMAIN": "a b", "KINDE_AUDIENCE": "a"}, []string{"KINDE_DOMAIN holds white space"}},
		"keys over http": {
			map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": "a", "KINDE_JWKS_URI": "http://keys.example/jwks"},
			[]string{"KINDE_JWKS_URI is plain http"},
		},
		"keys without scheme": {
			map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": "a", "KINDE_JWKS_URI": "keys.example/jwks"},
			[]string{"KINDE_JWKS_URI names no host"},
		},
		"keys with a password": {
			map[string]string{"KINDE_DOMAIN": "a", "KINDE_AUDIENCE": "a", "KINDE_JWKS_URI": "https://u:p@keys.example/jwks"},
			[]string{"KINDE_JWKS_URI holds a user name"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, tt.env)
			_, err := kinde.FromEnv()
			wantError(t, name, err, tt.want...)
		})
	}
}
