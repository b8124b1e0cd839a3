package keyring

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/keystore"
)

// look brings newer keys: from the store if it has them, else from the issuer if it is this
// process's turn. It returns the outcome and how long the gate stays shut.
func (s *Source) look(ctx context.Context, asked string) (keystore.Outcome, time.Duration) {
	s.aloneAt = time.Time{}
	t := s.claim(ctx, asked)
	if ctx.Err() != nil {
		s.end(ctx, t.lease, keystore.Abandoned, 0)
		return keystore.Abandoned, 0
	}
	if !t.granted {
		s.trouble = t.trouble()
		return t.outcome, t.wait
	}
	outcome, cooldown := s.visit(ctx, asked, t)
	s.end(ctx, t.lease, outcome, cooldown)
	if outcome == keystore.Failed && t.lease != nil {
		s.abstainUntil = time.Now().Add(2 * cooldown)
	}
	return outcome, cooldown
}

// visit asks the issuer and shares its answer.
func (s *Source) visit(ctx context.Context, asked string, t turn) (keystore.Outcome, time.Duration) {
	first := s.tenant && s.snap.Load() == nil
	attempt, cancel := context.WithTimeout(ctx, s.ring.cfg.FetchTimeout)
	defer cancel()
	if t.direct {
		s.tell.Direct(ctx)
	}
	fetching, fetch := s.tell.StartFetch(attempt, s.cause)
	rec, err := s.attempt(fetching, asked)
	if ctx.Err() != nil {
		fetch.End(ctx, keystore.Abandoned, "", 0)
		return keystore.Abandoned, 0
	}
	s.fetched(ctx, fetch, asked, err)
	s.note(err)
	if rec != nil && t.known {
		s.save(ctx, rec, t.base)
	}
	if err != nil {
		s.fallBack()
		if first && s.snap.Load() == nil {
			s.ring.tenants.contactFailed(s.id.Issuer, time.Now())
		}
		return keystore.Failed, s.cooldown(err)
	}
	if asked != "" && !s.snap.Load().holds(asked) {
		if !t.known { // nobody shares the answer: each process has to hold back on its own
			return keystore.Absent, aloneCooldown + rand.N(aloneCooldown/2)
		}
		return keystore.Absent, s.cooldown(nil)
	}
	return keystore.Useful, usefulCooldown
}

// satisfied tells whether what is at hand is enough.
func (s *Source) satisfied(asked string) bool {
	now, snap := time.Now(), s.snap.Load()
	if !snap.usable(now) || snap.due(now) {
		return false
	}
	return asked == "" || snap.holds(asked)
}

// cooldown is the time after an attempt that was of no use.
func (s *Source) cooldown(err error) time.Duration {
	var fe *jwks.FetchError
	if errors.As(err, &fe) && fe.RetryAfter > 0 {
		return min(max(fe.RetryAfter, s.ring.cfg.Cooldown), maxRetryAfter)
	}
	return s.ring.cfg.Cooldown + rand.N(s.ring.cfg.Cooldown/5+1)
}

// pause sleeps unless ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
