package verifier

import (
	"context"
	"errors"

	"github.com/keychorus/keychorus/internal/keyring"
)

// maxIssuerBytes bounds the iss that a resolver is asked about.
const maxIssuerBytes = 2048

// issuerOf returns the issuer that may have made a token: one of the policy, else one that
// the resolver allows. Nothing is fetched here.
func (v *Verifier) issuerOf(ctx context.Context, url string) (*issuer, *Error) {
	if iss, ok := v.byURL[url]; ok {
		return iss, nil
	}
	if v.resolve == nil || url == "" || len(url) > maxIssuerBytes {
		return nil, refuse(ReasonIssuer, nil)
	}
	from, ok, err := v.resolve(ctx, url)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, refuse(ReasonCanceled, ctx.Err())
	case err != nil:
		return nil, unavailable(ReasonIssuerUnavailable, err)
	case !ok:
		return nil, refuse(ReasonIssuer, nil)
	case from.URL != url:
		return nil, refuse(ReasonMisconfigured, errors.New("verifier: the resolver returned another issuer than it was asked for"))
	}
	return v.admit(&from)
}

// admit returns the tenant, made anew if it is new or has changed.
func (v *Verifier) admit(from *Issuer) (*issuer, *Error) {
	for {
		old := v.ring.Tenant(from.URL)
		if old != nil {
			if iss, ok := old.Owner().(*issuer); ok && iss.same(from) {
				return iss, nil
			}
		}
		if errs := v.policy.checkIssuer(from); len(errs) > 0 {
			return nil, refuse(ReasonMisconfigured, errors.Join(errs...))
		}
		iss, err := v.newIssuer(from, false)
		if err != nil {
			return nil, refuse(ReasonMisconfigured, err)
		}
		iss.source.Own(iss)
		v.ring.Admit(from.URL, old, iss.source)
	}
}

// sourceOf returns the key source of an issuer that is in use, or nil.
func (v *Verifier) sourceOf(url string) *keyring.Source {
	if iss, ok := v.byURL[url]; ok {
		return iss.source
	}
	return v.ring.Tenant(url)
}
