package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

func purgeCommand() command {
	return command{
		name:    "purge",
		summary: "make the fleet ask the issuer anew",
		details: `
Makes all stored keys of the issuer unusable everywhere until the issuer has confirmed them,
and asks it at once. While it does not answer, every token of it is answered with 503. So this
command first makes sure that the issuer can be asked from here, and changes nothing if not;
--force leaves that out. Purging passes the cool-down of the fleet once, except after a failed
attempt: then exit code 3 tells that the fleet will ask when it has ended.`,
		setup: func(flags *flag.FlagSet) action {
			p := purge{}
			p.add(flags)
			flags.BoolVar(&p.force, "force", false, "purge even if the issuer does not answer here")
			flags.BoolVar(&p.allowHTTP, "allow-http-unsafe", false, "accept plain http beyond loopback, as Issuer.AllowHTTPUnsafe does")
			return p.run
		},
	}
}

type purge struct {
	fleetFlags

	force, allowHTTP bool
}

func (p *purge) run(ctx context.Context, c *call, _ []string) error {
	if err := p.needIssuer(); err != nil {
		return err
	}
	fl, err := p.open(c)
	if err != nil {
		return err
	}
	defer fl.close()
	ctx, cancel := context.WithTimeout(ctx, operateTime)
	defer cancel()
	before, err := fl.look(ctx, fl.id)
	if err != nil {
		return err
	}
	policy := policyFor(verifier.Issuer{URL: p.issuer, JWKSURL: p.jwksURL, AllowHTTPUnsafe: p.allowHTTP})
	if !p.force {
		if err := reachable(ctx, policy); err != nil {
			return err
		}
	}
	v, err := verifier.New(policy, verifier.WithKeyStore(fl.Store))
	if err != nil {
		return misuse("", "%s", err)
	}
	defer func() { _ = v.Close() }()
	if err := fl.raise(ctx, v, epochOf(before)); err != nil {
		return err
	}
	if err := fl.confirmed(ctx); err != nil {
		return err
	}
	return fl.finish(ctx, c, &p.fleetFlags, &decision{Action: "purge", Changed: true, Notes: []string{}})
}

// reachable fetches the keys without the fleet: a failure here must not hold the fleet back.
func reachable(ctx context.Context, policy verifier.Policy) error {
	v, err := verifier.New(policy)
	if err != nil {
		return misuse("", "%s", err)
	}
	defer func() { _ = v.Close() }()
	if err := v.Warm(ctx); err != nil {
		return unavailable("run this where the issuer can be asked, or --force", "nothing was purged: the issuer cannot be asked from here: %s", because(err))
	}
	return nil
}

// raise purges until the epoch is above what it was. The verifier is new and learns the epoch of
// the store by its first try.
func (f *fleet) raise(ctx context.Context, v *verifier.Verifier, epoch uint64) error {
	for range 2 {
		err := v.Purge(ctx, f.id.Issuer)
		now, lookErr := f.look(ctx, f.id)
		switch {
		case lookErr != nil:
			return lookErr
		case epochOf(now) <= epoch && err == nil:
			continue
		case err == nil:
			return nil
		case epochOf(now) <= epoch:
			return unavailable("", "nothing was purged: %s", because(err))
		}
		e, ok := errors.AsType[*verifier.Error](err)
		if !ok {
			return err
		}
		return unavailable("keychorus fleet watch tells when they are", "purged, and the issuer has not confirmed the keys yet: %s; asked again in %s",
			because(err), short(e.RetryAfter))
	}
	return unavailable("", "nothing was purged: the store does not keep it")
}

func epochOf(all []sealed.Inspection) (epoch uint64) {
	for _, in := range all {
		if in.Record != nil {
			epoch = max(epoch, in.Record.Epoch)
		}
	}
	return epoch
}

// confirmed waits until the answer is stored: the verifier uses it before it shares it.
func (f *fleet) confirmed(ctx context.Context) error {
	for {
		all, err := f.look(ctx, f.id)
		if err != nil {
			return err
		}
		if in := newest(all); in != nil && in.Record.DocumentEpoch >= epochOf(all) {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return unavailable("keychorus fleet watch tells when they are", "purged, and the confirmed keys are not stored yet")
		}
	}
}
