package verifier

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
)

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 5 * time.Minute
	// maxTokenBytes is far beyond what any HTTP server takes as a header.
	maxTokenBytes = 1 << 20
)

// check returns what is wrong with the policy, each problem naming the field and the fix.
// resolved says that issuers may also come from a resolver.
func (p *Policy) check(resolved bool) []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("verifier: Policy."+format, args...)) }
	if len(p.Issuers) == 0 && !resolved {
		bad("Issuers is empty: name at least one issuer, or use WithIssuerResolver")
	}
	for i := range p.Issuers {
		for _, err := range p.checkIssuer(&p.Issuers[i]) {
			bad("Issuers[%d].%w", i, err)
		}
		if slices.ContainsFunc(p.Issuers[:i], func(other Issuer) bool { return other.URL == p.Issuers[i].URL }) {
			bad("Issuers[%d].URL occurs twice: merge the two entries", i)
		}
	}
	if p.AllowAnyAudienceUnsafe && len(p.AuthorizedParties) == 0 {
		bad("AuthorizedParties is empty: AllowAnyAudienceUnsafe needs to know whose tokens are meant")
	}
	if p.AllowAnyAudienceUnsafe && len(p.Audiences) > 0 {
		bad("Audiences contradicts AllowAnyAudienceUnsafe: set one of them")
	}
	known := jws.Algorithms()
	for _, a := range p.Algorithms {
		if !slices.Contains(known, jws.Algorithm(a)) {
			bad("Algorithms holds %q: only asymmetric signature algorithms of this package are accepted", string(a))
		}
	}
	if p.Profile > ProfileRFC9068 {
		bad("Profile is %d: use ProfileCompatible or ProfileRFC9068", p.Profile)
	}
	if p.Leeway > maxLeeway {
		bad("Leeway is %v: at most %v", p.Leeway, maxLeeway)
	}
	if p.MaxTokenBytes < 0 || p.MaxTokenBytes > maxTokenBytes {
		bad("MaxTokenBytes is %d: 0 for the default, at most %d", p.MaxTokenBytes, maxTokenBytes)
	}
	if p.MaxLifetime < 0 {
		bad("MaxLifetime is negative: 0 for no bound")
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"Audiences", p.Audiences}, {"AuthorizedParties", p.AuthorizedParties}, {"RequiredClaims", p.RequiredClaims}} {
		if slices.Contains(list.values, "") {
			bad("%s holds an empty string: remove it", list.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Advice)) {
		if !isDiagnosis(name) {
			bad("Advice holds %q: neither a diagnosis nor a reason", name)
		}
	}
	return errs
}

// checkIssuer returns what is wrong with an issuer under the policy.
func (p *Policy) checkIssuer(iss *Issuer) []error {
	var errs []error
	if err := checkURL(iss.URL, iss.AllowHTTPUnsafe || iss.StaticJWKS != nil); err != nil {
		errs = append(errs, fmt.Errorf("URL %w", err))
	} else if u, _ := url.Parse(iss.URL); u.RawQuery != "" || u.ForceQuery { // RFC 8414 §2
		errs = append(errs, errors.New("URL has a query: an issuer has none"))
	}
	if iss.JWKSURL != "" {
		if err := checkURL(iss.JWKSURL, iss.AllowHTTPUnsafe); err != nil {
			errs = append(errs, fmt.Errorf("JWKSURL %w", err))
		}
	}
	if iss.StaticJWKS != nil && (iss.JWKSURL != "" || iss.HTTPClient != nil) {
		errs = append(errs, errors.New("StaticJWKS contradicts JWKSURL and HTTPClient: static keys take no network"))
	}
	if len(p.Audiences) == 0 && len(iss.Audiences) == 0 && !p.AllowAnyAudienceUnsafe {
		errs = append(errs, errors.New("Audiences is empty and so is Policy.Audiences: set the audience registered for this API, "+
			"or AllowAnyAudienceUnsafe together with AuthorizedParties"))
	}
	if p.AllowAnyAudienceUnsafe && len(iss.Audiences) > 0 {
		errs = append(errs, errors.New("Audiences contradicts Policy.AllowAnyAudienceUnsafe: set one of them"))
	}
	if slices.Contains(iss.Audiences, "") || slices.Contains(iss.DeniedKeys, "") {
		errs = append(errs, errors.New("Audiences or DeniedKeys holds an empty string: remove it"))
	}
	return errs
}

// checkURL returns what is wrong with an issuer's or key set's URL.
func checkURL(raw string, allowHTTP bool) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("is empty: set it to the exact iss of the tokens")
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("is not an absolute URL: start it with https://")
	case u.User != nil:
		return errors.New("holds a user name or password: remove it")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return errors.New("has a fragment: remove it")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (allowHTTP || jwks.IsLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return errors.New("is plain http: use https; AllowHTTPUnsafe is the way out for closed networks")
	default:
		return errors.New("is not an https URL: start it with https://")
	}
}

// verifier returns what of the policy needs no key source.
func (p *Policy) verifier(c *config) *Verifier {
	v := &Verifier{
		clock: c.now, revoked: c.revoke, client: c.client, resolve: c.resolve, lookup: c.lookup,
		policy: Policy{
			Audiences: slices.Clone(p.Audiences), AllowAnyAudienceUnsafe: p.AllowAnyAudienceUnsafe,
		},
		advice:     cloneAdvice(p.Advice),
		audiences:  slices.Clone(p.Audiences),
		algorithms: make(map[jws.Algorithm]bool), profile: p.Profile,
		leeway: p.Leeway, maxLifetime: p.MaxLifetime, maxTokenBytes: p.MaxTokenBytes,
		anyAudience: p.AllowAnyAudienceUnsafe, allowIDTokens: p.AllowIDTokensUnsafe,
		authorizedParties: slices.Clone(p.AuthorizedParties),
		requiredClaims:    slices.Clone(p.RequiredClaims),
	}
	switch {
	case v.leeway == 0:
		v.leeway = defaultLeeway
	case v.leeway < 0:
		v.leeway = 0
	}
	if p.Profile == ProfileRFC9068 {
		v.requiredClaims = append(v.requiredClaims, rfc9068Claims...)
	}
	algorithms := jws.Algorithms()
	if len(p.Algorithms) > 0 {
		algorithms = algorithms[:0]
		for _, a := range p.Algorithms {
			algorithms = append(algorithms, jws.Algorithm(a))
		}
	}
	for _, a := range algorithms {
		v.algorithms[a] = true
	}
	if v.algorithms[jws.EdDSA] || v.algorithms[jws.Ed25519] { // RFC 9864 §2.2: one algorithm, two names
		v.algorithms[jws.EdDSA], v.algorithms[jws.Ed25519] = true, true
	}
	return v
}
