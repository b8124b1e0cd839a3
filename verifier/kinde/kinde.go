package kinde

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// Config says which tenant's tokens are accepted.
type Config struct {
	// Domain is where people sign in: the sub-domain ("bookshop"), the whole domain
	// ("bookshop.kinde.com"), a custom domain ("auth.bookshop.example"), with or without
	// https://, or the address of the key set that Kinde shows
	// ("https://bookshop.kinde.com/.well-known/jwks", or .json). Required.
	Domain string
	// ExtraDomains are further issuers in the same forms, each bound to its own keys.
	ExtraDomains []string
	// Audiences are the audiences registered for the API. Required, unless
	// AllowAnyAudienceUnsafe is set.
	Audiences []string
	// AllowAnyAudienceUnsafe is for APIs that are not registered at Kinde. Clients must
	// then say whose tokens are meant.
	AllowAnyAudienceUnsafe bool
	// Clients are the client ids (azp) that may call. Default: any of the tenant's.
	Clients []string
}

const keyPath = "/.well-known/jwks"

// Policy returns the policy for cfg: RS256 alone, which is all that Kinde signs with, and one
// issuer for each domain, with its keys at the address that Kinde documents. The error names
// every field at fault and wraps [verifier.ErrMisconfigured]. Plain http is accepted for
// loopback addresses alone.
func Policy(cfg Config) (verifier.Policy, error) {
	var errs []error
	p := verifier.Policy{
		Audiences:              slices.Clone(cfg.Audiences),
		AllowAnyAudienceUnsafe: cfg.AllowAnyAudienceUnsafe,
		Algorithms:             []verifier.Algorithm{verifier.RS256},
		AuthorizedParties:      slices.Clone(cfg.Clients),
	}
	for i, domain := range append([]string{cfg.Domain}, cfg.ExtraDomains...) {
		field := "Domain"
		if i > 0 {
			field = fmt.Sprintf("ExtraDomains[%d]", i-1)
		}
		iss, err := issuer(domain)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("kinde: Config.%s %w", field, err))
		case slices.ContainsFunc(p.Issuers, func(other verifier.Issuer) bool { return other.URL == iss.URL }):
			errs = append(errs, fmt.Errorf("kinde: Config.%s occurs twice: remove it", field))
		default:
			p.Issuers = append(p.Issuers, iss)
		}
	}
	switch {
	case cfg.AllowAnyAudienceUnsafe && len(cfg.Audiences) > 0:
		errs = append(errs, errors.New("kinde: Config.Audiences contradicts AllowAnyAudienceUnsafe: set one of them"))
	case cfg.AllowAnyAudienceUnsafe && len(cfg.Clients) == 0:
		errs = append(errs, errors.New("kinde: Config.Clients is empty: AllowAnyAudienceUnsafe needs the client ids that may call"))
	case !cfg.AllowAnyAudienceUnsafe && len(cfg.Audiences) == 0:
		errs = append(errs, errors.New("kinde: Config.Audiences is empty: set the audience registered for the API in Kinde "+
			"under Settings, APIs; AllowAnyAudienceUnsafe is for an API that is not registered"))
	}
	if slices.Contains(cfg.Audiences, "") || slices.Contains(cfg.Clients, "") {
		errs = append(errs, errors.New("kinde: Config.Audiences or Clients holds an empty string: remove it"))
	}
	if len(errs) > 0 {
		return verifier.Policy{}, fmt.Errorf("%w: %w", verifier.ErrMisconfigured, errors.Join(errs...))
	}
	return p, nil
}

// issuer reads one of the forms of Config.Domain.
func issuer(domain string) (verifier.Issuer, error) {
	if domain == "" {
		return verifier.Issuer{}, errors.New("is empty: set the tenant's domain, such as bookshop.kinde.com")
	}
	if strings.ContainsAny(domain, " \t\r\n") {
		return verifier.Issuer{}, errors.New("holds white space: remove it")
	}
	address := domain
	if !strings.Contains(domain, "://") {
		if !strings.ContainsAny(domain, "./:") && domain != "localhost" {
			domain += ".kinde.com"
		}
		address = "https://" + domain
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return verifier.Issuer{}, errors.New("is not a domain: set it to the form bookshop.kinde.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return verifier.Issuer{}, errors.New("holds more than a domain: remove user, query and fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return verifier.Issuer{}, errors.New("is plain http: use https")
	case u.Scheme != "https" && u.Scheme != "http":
		return verifier.Issuer{}, errors.New("is not an https address: start it with https://")
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	switch path := strings.TrimSuffix(u.Path, "/"); path {
	case "":
		return verifier.Issuer{URL: origin, JWKSURL: origin + keyPath}, nil
	case keyPath, keyPath + ".json":
		return verifier.Issuer{URL: origin, JWKSURL: origin + path}, nil
	default:
		return verifier.Issuer{}, errors.New("has a path: an issuer of Kinde is a bare domain")
	}
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
