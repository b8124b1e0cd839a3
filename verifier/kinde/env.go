package kinde

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// FromEnv is [Policy] of a Config read from the environment:
//
//	KINDE_DOMAIN         Config.Domain; KINDE_ISSUER_URL means the same
//	KINDE_EXTRA_DOMAINS  Config.ExtraDomains, separated by white space
//	KINDE_AUDIENCE       Config.Audiences, separated by white space
//	KINDE_CLIENT_ID      Config.Clients, separated by white space
//	KINDE_JWKS_URI       the keys of KINDE_DOMAIN, if not where Kinde documents them
//
// The first and KINDE_AUDIENCE are required. A variable that is set but empty is an error, as
// is one that is malformed: a deployment that lost a value should not start. The error names
// every variable at fault and wraps [verifier.ErrMisconfigured].
func FromEnv() (verifier.Policy, error) {
	n := names{"KINDE_DOMAIN", "KINDE_EXTRA_DOMAINS", "KINDE_AUDIENCE", "KINDE_CLIENT_ID"}
	var problems []error
	optional := func(name string) string {
		value, set := lookup(name)
		if set && value == "" {
			problems = append(problems, fmt.Errorf("kinde: %s is set but empty: give it a value or unset it", name))
		}
		return value
	}
	domain, set := lookup(n.domain)
	switch other, otherSet := lookup("KINDE_ISSUER_URL"); {
	case otherSet && !set:
		domain, n.domain = other, "KINDE_ISSUER_URL"
	case otherSet && !sameIssuer(domain, other):
		problems = append(problems, errors.New("kinde: KINDE_DOMAIN and KINDE_ISSUER_URL differ: unset one of them"))
	}
	audiences, _ := lookup(n.audiences) // its absence is told below
	cfg := Config{
		Domain:       domain,
		ExtraDomains: strings.Fields(optional(n.extraDomains)),
		Audiences:    strings.Fields(audiences),
		Clients:      strings.Fields(optional(n.clients)),
	}
	keys := optional("KINDE_JWKS_URI")
	if keys != "" {
		if _, err := address(keys); err != nil {
			problems = append(problems, fmt.Errorf("kinde: KINDE_JWKS_URI %w", err))
		}
	}
	p, errs := cfg.policy(n)
	p, err := checked(p, append(problems, errs...))
	if err == nil && keys != "" {
		p.Issuers[0].JWKSURL = keys
	}
	return p, err
}

// lookup drops the white space around a value, such as the line end of a mounted secret.
func lookup(name string) (value string, set bool) {
	value, set = os.LookupEnv(name)
	return strings.TrimSpace(value), set
}

// sameIssuer tells whether two spellings mean one domain.
func sameIssuer(a, b string) bool {
	x, errX := issuer(a)
	y, errY := issuer(b)
	return errX == nil && errY == nil && x.URL == y.URL
}
