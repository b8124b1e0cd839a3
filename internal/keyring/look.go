package keyring

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/keystore"
)

// look brings newer keys: from the store if it has them, else from the issuer. It returns
// the outcome and how long the gate stays shut.
func (s *Source) look(ctx context.Context, asked string) (keystore.Outcome, time.Duration) {
	base, known := s.recall(ctx)
	if s.satisfied(asked) {
		return keystore.Useful, usefulCooldown
	}
	first := s.tenant && s.snap.Load() == nil
	if first {
		if wait, ok := s.ring.tenants.mayContact(time.Now()); !ok {
			s.note(errTooManyNew)
			return keystore.Failed, wait
		}
	}
	attempt, cancel := context.WithTimeout(ctx, s.ring.cfg.FetchTimeout)
	defer cancel()
	rec, err := s.attempt(attempt, asked)
	if ctx.Err() != nil {
		return keystore.Abandoned, 0
	}
	s.note(err)
	if rec != nil && known {
		s.save(ctx, rec, base)
	}
	if err != nil {
		s.fallBack()
		if first && s.snap.Load() == nil {
			s.ring.tenants.contactFailed(s.id.Issuer, time.Now())
		}
		return keystore.Failed, s.cooldown(err)
	}
	if asked != "" && !s.snap.Load().holds(asked) {
		if !known { // nobody shares the answer: each process has to hold back on its own
			return keystore.Absent, aloneCooldown + rand.N(aloneCooldown/2)
		}
		return keystore.Absent, s.cooldown(nil)
	}
	return keystore.Useful, usefulCooldown
}

// satisfied tells whether what the store had is enough.
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

// fallBack serves an older record once the issuer has not answered.
func (s *Source) fallBack() {
	s.mu.Lock()
	standby := s.standby
	s.mu.Unlock()
	if standby.record != nil {
		s.install(standby)
	}
}

// recall loads the record and adopts it if it is newer than the snapshot. It returns the
// version to save over, and whether the store said so.
func (s *Source) recall(ctx context.Context) (keystore.Version, bool) {
	rec, version, err := s.load(ctx)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) && !errors.Is(err, keystore.ErrUnusable) {
		// One failure may be a hiccup of the store; the issuer is asked after two.
		if !pause(ctx, rand.N(250*time.Millisecond)) {
			return "", false
		}
		rec, version, err = s.load(ctx)
	}
	switch {
	case err == nil:
		s.consider(rec)
	case errors.Is(err, keystore.ErrNotFound), errors.Is(err, keystore.ErrUnusable):
	default:
		s.noteStore(err)
		return "", false
	}
	s.noteStore(nil)
	return version, true
}

func (s *Source) load(ctx context.Context) (*keystore.Record, keystore.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.ring.store.Load(ctx, s.id)
}

// consider takes over what a record from the store denies, and installs its document if that
// is newer than what is at hand. It passes the same rules as an answer of the issuer.
func (s *Source) consider(rec *keystore.Record) {
	if rec == nil || rec.ID != s.id {
		return
	}
	s.absorb(rec)
	set, skipped, err := jwks.Parse(rec.Document)
	if err != nil {
		return
	}
	now, doc := time.Now(), parsed{rec, set, skipped}
	s.mu.Lock()
	sn := s.build(doc, now)
	s.mu.Unlock()
	current := s.snap.Load()
	switch {
	case !sn.usable(now), current != nil && !sn.fetched.After(current.fetched):
	case current.usable(now), sn.age(now) < sn.staleAge:
		s.install(doc)
	default: // the first keys of this process, and old: the issuer may know better
		s.mu.Lock()
		s.standby = doc
		s.mu.Unlock()
	}
}

// save stores a record over what was read. If somebody else was quicker, the newer of the
// two documents wins, and the denials of both.
func (s *Source) save(ctx context.Context, rec *keystore.Record, base keystore.Version) {
	for range 2 {
		err := s.saveOnce(ctx, s.stamped(rec), base)
		if !errors.Is(err, keystore.ErrConflict) {
			s.noteStore(err)
			return
		}
		stored, version, err := s.load(ctx)
		if err == nil {
			s.consider(stored)
			if !stored.FetchedAt.Before(rec.FetchedAt) {
				return
			}
		}
		base = version
	}
}

func (s *Source) saveOnce(ctx context.Context, rec *keystore.Record, base keystore.Version) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, err := s.ring.store.Save(ctx, s.id, rec, base)
	return err
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
