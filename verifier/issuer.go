package verifier

import (
	"fmt"
	"slices"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/lru"
	"github.com/keychorus/keychorus/keystore/memory"
)

// issuer is one accepted issuer as verification needs it.
type issuer struct {
	url       string
	audiences []string
	source    *keyring.Source
	from      Issuer // what it was made from
	number    int    // its place in the policy, from 1; 0 for others
}

// connect gives every issuer of the policy its key source.
func (v *Verifier) connect(p *Policy, keys keyring.Config, c *config) []error {
	v.telemetry = telemetryOf(p, c)
	o := keyring.Options{Store: c.store, Shared: c.store != nil, Observe: observer(c.logger), Telemetry: v.telemetry}
	switch {
	case c.store != nil:
	case c.resolve == nil:
		o.Store = memory.New()
	default: // as many records as there may be issuers
		store, err := lru.New(len(p.Issuers) + keys.MaxDynamicSources)
		if err != nil {
			return []error{err}
		}
		o.Store = store
	}
	v.ring = keyring.New(keys, o)
	v.byURL = make(map[string]*issuer, len(p.Issuers))
	var errs []error
	for i := range p.Issuers {
		iss, err := v.newIssuer(&p.Issuers[i], true)
		if err != nil {
			errs = append(errs, fmt.Errorf("verifier: Policy.Issuers[%d]: %w", i, err))
			continue
		}
		v.ring.Keep(iss.source)
		v.issuers = append(v.issuers, iss)
		iss.number = len(v.issuers)
		v.byURL[iss.url] = iss
	}
	return errs
}

// newIssuer makes an issuer with its key source. configured says that the operator named its
// addresses, so that they may be private ones.
func (v *Verifier) newIssuer(from *Issuer, configured bool) (*issuer, error) {
	iss := &issuer{url: from.URL, audiences: slices.Clone(from.Audiences), from: *from}
	if len(iss.audiences) == 0 {
		iss.audiences = v.audiences
	}
	id := keystore.ID{Issuer: from.URL, JWKSURL: from.JWKSURL}
	denied := slices.Clone(from.DeniedKeys)
	if from.StaticJWKS != nil {
		var err error
		iss.source, err = v.ring.Static(id, from.StaticJWKS, denied)
		return iss, err
	}
	client := from.HTTPClient
	if client == nil {
		client = v.client
	}
	fetcher, err := jwks.NewFetcher(jwks.Endpoint{
		Issuer: from.URL, JWKSURL: from.JWKSURL, Client: client, AllowHTTP: from.AllowHTTPUnsafe, Configured: configured,
	})
	if err != nil {
		return nil, err
	}
	iss.source = v.ring.Source(id, fetcher, denied)
	return iss, nil
}

// same tells whether an issuer is still what it was made from.
func (i *issuer) same(now *Issuer) bool {
	was := &i.from
	return was.URL == now.URL && was.JWKSURL == now.JWKSURL && was.HTTPClient == now.HTTPClient &&
		was.AllowHTTPUnsafe == now.AllowHTTPUnsafe && slices.Equal(was.Audiences, now.Audiences) &&
		slices.Equal(was.DeniedKeys, now.DeniedKeys) && string(was.StaticJWKS) == string(now.StaticJWKS)
}

func (i *issuer) hasAudience(aud string) bool { return slices.Contains(i.audiences, aud) }
