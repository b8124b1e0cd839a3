package verifier

import (
	"context"
	"errors"
)

// Run keeps the keys fresh without requests and follows changes of a shared store, until ctx
// ends or the verifier is closed; it returns why. It is optional: without it requests cause
// the same work in the background. Issuers that nobody used for an hour are left alone.
func (v *Verifier) Run(ctx context.Context) error {
	err := v.ring.Follow(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return keyError(err)
}

// RevokeKey denies a key of an issuer by its kid: the kid itself and the thumbprints of the
// keys now published under it, whatever the issuer publishes later. It takes effect at once
// in this process, and through a shared store in others. It tries to store the denial until
// ctx ends; an error of [ErrUnavailable] then says that it holds here only and goes out with
// the next record. Denials do not expire and at most 64 are kept for an issuer: one more is
// an error. The permanent form is Issuer.DeniedKeys.
func (v *Verifier) RevokeKey(ctx context.Context, issuer, kid string) error {
	s := v.sourceOf(issuer)
	switch {
	case s == nil:
		return refuse(ReasonMisconfigured, errors.New("verifier: RevokeKey: the issuer is not in use"))
	case kid == "":
		return refuse(ReasonMisconfigured, errors.New("verifier: RevokeKey: the kid is empty"))
	}
	return operated(s.Revoke(ctx, kid))
}

// Purge makes all keys of an issuer unusable, here and through a shared store elsewhere, until
// the issuer has confirmed them anew, and asks it at once. If the issuer has just failed to
// answer, the error is of [ErrUnavailable] with the time until it is asked again; the keys stay
// unusable until then.
func (v *Verifier) Purge(ctx context.Context, issuer string) error {
	s := v.sourceOf(issuer)
	if s == nil {
		return refuse(ReasonMisconfigured, errors.New("verifier: Purge: the issuer is not in use"))
	}
	return operated(s.Purge(ctx))
}

func operated(err error) error {
	if err == nil {
		return nil
	}
	return keyError(err)
}
