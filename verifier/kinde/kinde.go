package kinde

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/keychorus/keychorus/internal/jwks"
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
	// Accept says whose tokens are accepted anywhere: AcceptUsers, AcceptMachines, or both.
	// The tokens of others are refused as missing_claim. What is for one of them on some
	// routes alone takes [Users] or [Machines] there. Default: both.
	Accept Accept
}

// Accept is a set of principals. Tell them apart by what Kinde does not let workflows change:
// users have a sub, machines have none and a gty.
type Accept uint8

// Whose tokens are accepted.
const (
	AcceptUsers Accept = 1 << iota
	AcceptMachines
)

// required returns the claim that just these principals have, or none.
func (a Accept) required() []string {
	switch a {
	case AcceptUsers:
		return []string{"sub"}
	case AcceptMachines:
		return []string{"gty"}
	default:
		return nil
	}
}

const keyPath = "/.well-known/jwks"

// names are what the fields of a Config are called where they were written.
type names struct{ domain, extraDomains, audiences, clients string }

// Policy returns the policy for cfg: RS256 alone, which is all that Kinde signs with, and one
// issuer for each domain, with its keys at the address that Kinde documents, and advice that
// names the places in Kinde, for [verifier.Verifier.Explain]. The error names
// every field at fault and wraps [verifier.ErrMisconfigured]. Plain http is accepted for
// loopback addresses alone.
func Policy(cfg Config) (verifier.Policy, error) {
	p, errs := cfg.policy(names{"Config.Domain", "Config.ExtraDomains", "Config.Audiences", "Config.Clients"})
	return checked(p, errs)
}

// checked returns the policy or everything that is wrong with it.
func checked(p verifier.Policy, errs []error) (verifier.Policy, error) {
	if len(errs) > 0 {
		return verifier.Policy{}, fmt.Errorf("%w: %w", verifier.ErrMisconfigured, errors.Join(errs...))
	}
	return p, nil
}

func (cfg *Config) policy(n names) (verifier.Policy, []error) {
	var errs []error
	bad := func(field, problem string) { errs = append(errs, fmt.Errorf("kinde: %s %s", field, problem)) }
	p := verifier.Policy{
		Audiences:              slices.Clone(cfg.Audiences),
		AllowAnyAudienceUnsafe: cfg.AllowAnyAudienceUnsafe,
		Algorithms:             []verifier.Algorithm{verifier.RS256},
		AuthorizedParties:      slices.Clone(cfg.Clients),
		RequiredClaims:         cfg.Accept.required(),
		Advice:                 advice(),
	}
	for i, domain := range append([]string{cfg.Domain}, cfg.ExtraDomains...) {
		field := n.domain
		if i > 0 {
			field = fmt.Sprintf("%s[%d]", n.extraDomains, i-1)
		}
		iss, err := issuer(domain)
		switch {
		case err != nil:
			bad(field, err.Error())
		case slices.ContainsFunc(p.Issuers, func(other verifier.Issuer) bool { return other.URL == iss.URL }):
			bad(field, "occurs twice: remove it")
		default:
			p.Issuers = append(p.Issuers, iss)
		}
	}
	switch {
	case cfg.AllowAnyAudienceUnsafe && len(cfg.Audiences) > 0:
		bad(n.audiences, "contradicts AllowAnyAudienceUnsafe: set one of them")
	case cfg.AllowAnyAudienceUnsafe && len(cfg.Clients) == 0:
		bad(n.clients, "is empty: AllowAnyAudienceUnsafe needs the client ids that may call")
	case !cfg.AllowAnyAudienceUnsafe && len(cfg.Audiences) == 0:
		bad(n.audiences, "is empty: set the audience you registered for the API in Kinde under Settings, APIs; "+
			"Config.AllowAnyAudienceUnsafe is for an API that is not registered")
	}
	if cfg.Accept > AcceptUsers|AcceptMachines {
		bad("Config.Accept", "is none of AcceptUsers, AcceptMachines and both")
	}
	if slices.Contains(cfg.Audiences, "") {
		bad(n.audiences, "holds an empty string: remove it")
	}
	if slices.Contains(cfg.Clients, "") {
		bad(n.clients, "holds an empty string: remove it")
	}
	return p, errs
}

// issuer reads one of the forms of Config.Domain.
func issuer(domain string) (verifier.Issuer, error) {
	if domain == "" {
		return verifier.Issuer{}, errors.New("is empty: set the tenant's domain, such as bookshop.kinde.com")
	}
	if !strings.Contains(domain, "://") {
		if !strings.ContainsAny(domain, "./:") && domain != "localhost" {
			domain += ".kinde.com"
		}
		domain = "https://" + domain
	}
	u, err := address(domain)
	if err != nil {
		return verifier.Issuer{}, err
	}
	if strings.Contains(domain, "?") {
		return verifier.Issuer{}, errors.New("has a query: remove it")
	}
	origin := u.Scheme + "://" + u.Host
	switch path := strings.TrimSuffix(u.Path, "/"); path {
	case "":
		return verifier.Issuer{URL: origin, JWKSURL: origin + keyPath}, nil
	case keyPath, keyPath + ".json":
		return verifier.Issuer{URL: origin, JWKSURL: origin + path}, nil
	default:
		return verifier.Issuer{}, errors.New("has a path: an issuer of Kinde is a bare domain")
	}
}

// hostname is a name in its ASCII form (RFC 1123 §2.1), or an IPv4 address.
var hostname = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*$`)

// address reads an absolute URL and writes its host as Kinde does in iss: in small letters,
// without the port that goes without saying.
func address(raw string) (*url.URL, error) {
	if strings.ContainsFunc(raw, unicode.IsSpace) {
		return nil, errors.New("holds white space: remove it")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("names no host: write it as in https://bookshop.kinde.com")
	case u.User != nil:
		return nil, errors.New("holds a user name or password: remove it")
	case strings.Contains(raw, "#"):
		return nil, errors.New("has a fragment: remove it")
	}
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":")
	name := u.Hostname()
	switch {
	case !hostname.MatchString(name) && net.ParseIP(name) == nil:
		return nil, errors.New("names no host: write it as in https://bookshop.kinde.com")
	case u.Scheme == "https":
		u.Host = strings.TrimSuffix(u.Host, ":443")
		return u, nil
	case u.Scheme == "http" && jwks.IsLoopback(name):
		return u, nil
	case u.Scheme == "http":
		return nil, errors.New("is plain http: use https")
	default:
		return nil, errors.New("is not an https address: start it with https://")
	}
}
