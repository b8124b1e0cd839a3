package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// trust is what the environment says of whom to believe.
type trust struct {
	policy      verifier.Policy
	development bool     // no issuer is named: bring one
	tenant      bool     // the issuer is a Kinde tenant
	origins     []string // pages that may call the API
}

func trustFromEnv() (t trust, err error) {
	t.tenant = isSet("KINDE_DOMAIN", "KINDE_ISSUER_URL", "KINDE_AUDIENCE")
	other := isSet("BOOKSTORE_ISSUER", "BOOKSTORE_AUDIENCE")
	switch {
	case t.tenant && other:
		return t, errors.New("both KINDE_ and BOOKSTORE_ variables name an issuer: unset one of them")
	case t.tenant:
		t.policy, err = kinde.FromEnv()
	case other:
		// An empty value is refused by verifier.New, like any malformed one.
		t.policy = verifier.Policy{
			Issuers:   []verifier.Issuer{{URL: os.Getenv("BOOKSTORE_ISSUER")}},
			Audiences: strings.Fields(os.Getenv("BOOKSTORE_AUDIENCE")),
		}
	default:
		t.development = true
	}
	if err != nil {
		return t, err
	}
	for origin := range strings.FieldsSeq(os.Getenv("BOOKSTORE_ORIGINS")) {
		// RFC 6454 §7: no path, not even a slash.
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return t, fmt.Errorf("BOOKSTORE_ORIGINS: %q is not an origin such as https://shop.example", origin)
		}
		t.origins = append(t.origins, origin)
	}
	return t, nil
}

func isSet(names ...string) bool {
	for _, name := range names {
		if _, set := os.LookupEnv(name); set {
			return true
		}
	}
	return false
}
