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
//
// A variable that is set but empty is an error, as is one that is malformed: a deployment
// that lost a value should not start.
func FromEnv() (verifier.Policy, error) {
	var (
		cfg  Config
		errs []error
	)
	list := func(name string) []string {
		value, set := os.LookupEnv(name)
		words := strings.Fields(value)
		if set && len(words) == 0 {
			errs = append(errs, fmt.Errorf("kinde: %s is set but empty: give it a value or unset it", name))
		}
		return words
	}
	domain, issuerURL := list("KINDE_DOMAIN"), list("KINDE_ISSUER_URL")
	switch {
	case len(domain) > 1 || len(issuerURL) > 1:
		errs = append(errs, errors.New("kinde: KINDE_DOMAIN holds more than one domain: move the others to KINDE_EXTRA_DOMAINS"))
	case len(domain) == 1 && len(issuerURL) == 1 && domain[0] != issuerURL[0]:
		errs = append(errs, errors.New("kinde: KINDE_DOMAIN and KINDE_ISSUER_URL differ: set one of them"))
	case len(domain) == 1:
		cfg.Domain = domain[0]
	case len(issuerURL) == 1:
		cfg.Domain = issuerURL[0]
	case len(errs) == 0:
		errs = append(errs, errors.New("kinde: KINDE_DOMAIN is not set: set it to the tenant's domain, such as bookshop.kinde.com"))
	}
	cfg.ExtraDomains = list("KINDE_EXTRA_DOMAINS")
	cfg.Audiences = list("KINDE_AUDIENCE")
	cfg.Clients = list("KINDE_CLIENT_ID")
	if len(cfg.Audiences) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("kinde: KINDE_AUDIENCE is not set: set it to the audience registered for the API under Settings, APIs"))
	}
	if len(errs) > 0 {
		return verifier.Policy{}, fmt.Errorf("%w: %w", verifier.ErrMisconfigured, errors.Join(errs...))
	}
	p, err := Policy(cfg)
	if err != nil {
		return verifier.Policy{}, fmt.Errorf("kinde: environment: %w", err)
	}
	return p, nil
}
