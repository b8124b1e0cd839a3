package keyring

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

const (
	// holdPatience is how long others may be said to be fetching, without a newer record
	// and without an end, before the store is not believed.
	holdPatience = time.Minute
	// lookInterval is how often a process that waits for another one's answer looks for it
	// itself. Where the store announces changes, it rarely has to.
	lookInterval = time.Second
	// endInterval is the same once the answer has come: the lease is about to end.
	endInterval = 50 * time.Millisecond
	// storeGrace, a tenth of the default interval, is how long a store may fail before due
	// keys are refreshed without it. With a shorter interval it is a tenth of that.
	storeGrace = 30 * time.Second
	// lateRefresh times the interval is the age up to which such refreshes are spread, over
	// twice storeGrace at least: all processes lose their store at one moment.
	lateRefresh = 1.15
	// storeRetry is the longest pause before a store that failed is asked once more.
	storeRetry = 250 * time.Millisecond
)

// turn says whether the issuer is this process's to ask.
type turn struct {
	granted bool
	direct  bool             // without the leave of a store that should have given it
	lease   keystore.Lease   // nil if nobody coordinates
	base    keystore.Version // what to save over
	known   bool             // the store works

	outcome keystore.Outcome // if not granted: what the gate is shut by
	wait    time.Duration    // and for how long
	crowded bool             // by first contacts with others, and not by an attempt before
}

// claim finds out whose turn it is. It adopts what the store has first, which is all that most
// processes of a fleet ever need, and waits while another one fetches.
func (s *Source) claim(ctx context.Context, asked string) turn {
	interval := lookInterval
	for first := true; ctx.Err() == nil; first = false {
		changed := s.changed()
		if !first && s.satisfied(asked) {
			return s.enough()
		}
		base, known := s.recall(ctx)
		switch {
		case s.satisfied(asked):
			return s.enough()
		case s.crowded():
			return turn{outcome: keystore.Failed, wait: s.ring.tenants.wait(time.Now()), crowded: true}
		case !known:
			s.aloneAt = time.Now()
			return s.alone(asked)
		case s.ring.coordinator == nil:
			return turn{granted: true, base: base, known: true}
		}
		if left := time.Until(s.abstainUntil); left > 0 {
			s.fallBack()
			return turn{outcome: keystore.Failed, wait: min(left, jittered(pollInterval))}
		}
		lease, hold, err := s.tryLease(ctx)
		switch {
		case err != nil:
			return s.alone(asked)
		case lease != nil:
			return s.granted(ctx, asked, lease, base)
		case !hold.Fetching:
			return s.cooling(ctx, asked, hold)
		case s.impatient():
			return turn{granted: true, direct: true, base: base, known: true}
		}
		if s.waitFor(ctx, changed, min(hold.Left, interval)) {
			interval = endInterval
		}
	}
	return turn{}
}

// enough is the turn of a process that needs nothing any more.
func (s *Source) enough() turn {
	s.heldUntil = time.Time{}
	return turn{outcome: keystore.Useful, wait: usefulCooldown}
}

// granted looks at the store once more: another process may have come and gone since.
func (s *Source) granted(ctx context.Context, asked string, lease keystore.Lease, base keystore.Version) turn {
	s.heldUntil = time.Time{}
	if again, known := s.recall(ctx); known {
		base = again
	}
	if s.satisfied(asked) {
		s.end(ctx, lease, keystore.Abandoned, 0)
		return s.enough()
	}
	return turn{granted: true, lease: lease, base: base, known: true}
}

// cooling is the turn while the fleet holds back. The attempt before may have ended since the
// store was looked at. A purge passes the cool-down, except after a failure.
func (s *Source) cooling(ctx context.Context, asked string, hold keystore.Hold) turn {
	base, known := s.recall(ctx)
	if s.satisfied(asked) {
		return s.enough()
	}
	s.heldUntil = time.Time{}
	s.mu.Lock()
	forced := s.forced && hold.Outcome != keystore.Failed
	s.forced = false
	s.mu.Unlock()
	if forced {
		return turn{granted: true, base: base, known: known}
	}
	if hold.Outcome == keystore.Failed {
		s.fallBack()
	}
	wait := min(hold.Left, jittered(pollInterval))
	if asked == "" { // nobody waits: all need not come back at one moment
		wait += rand.N(500 * time.Millisecond)
	}
	return turn{outcome: hold.Outcome, wait: wait}
}

// alone is the turn of a process that has to do without the store. Due keys are in no hurry:
// their refresh is put off until it is clear that the store is down, and then spread.
func (s *Source) alone(asked string) turn {
	if asked == "" && s.putOff(time.Now()) {
		return turn{outcome: keystore.Useful, wait: usefulCooldown}
	}
	return turn{granted: true, direct: true}
}

// putOff draws a later refresh point, once for each snapshot when the store is down for good.
func (s *Source) putOff(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.snap.Load()
	if !snap.usable(now) || s.redrawn.Equal(snap.receivedAt) {
		return false
	}
	sn, age := *snap, snap.age(now)
	grace := min(storeGrace, s.ring.cfg.RefreshInterval/10)
	if left := grace - now.Sub(s.problem.since); left > 0 && !s.problem.since.IsZero() {
		sn.refreshAge = age + left + rand.N(grace/10)
	} else {
		latest := time.Duration(lateRefresh * float64(s.ring.interval(sn.record)))
		sn.refreshAge = age + rand.N(max(latest-age, 2*grace))
		s.redrawn = sn.receivedAt
	}
	s.snap.Store(&sn)
	return true
}

// impatient tells whether others have been fetching for longer than can be true. Not all
// processes lose patience at one moment.
func (s *Source) impatient() bool {
	now := time.Now()
	if s.heldUntil.IsZero() {
		s.heldUntil = now.Add(holdPatience + rand.N(holdPatience/4))
	}
	return !now.Before(s.heldUntil)
}

// waitFor returns true when the snapshot has changed, or false after about d.
func (s *Source) waitFor(ctx context.Context, changed <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d + rand.N(max(d/4, time.Millisecond)))
	defer t.Stop()
	select {
	case <-changed:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

// changed is closed when waiters should look again.
func (s *Source) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn
}

// crowded tells whether too many first contacts have failed to try one more.
func (s *Source) crowded() bool {
	if !s.tenant || s.snap.Load() != nil {
		return false
	}
	if _, ok := s.ring.tenants.mayContact(time.Now()); ok {
		return false
	}
	s.note(errTooManyNew)
	return true
}

// tryLease asks for the lease, twice if the store fails.
func (s *Source) tryLease(ctx context.Context) (keystore.Lease, keystore.Hold, error) {
	lease, hold, err := s.tryLeaseOnce(ctx)
	if err != nil && pause(ctx, storeBackoff()) {
		lease, hold, err = s.tryLeaseOnce(ctx)
	}
	s.noteWrite(err)
	return lease, hold, err
}

func (s *Source) tryLeaseOnce(ctx context.Context) (keystore.Lease, keystore.Hold, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	ctx, call := s.tell.StartCall(ctx, telemetry.Lease)
	lease, hold, err := s.ring.coordinator.TryLease(ctx, s.id)
	call.EndLease(ctx, lease, hold, err)
	return lease, hold, err
}

// end ends a lease, twice if the store fails: it ends by itself as well, but until then nobody
// else asks the issuer, not even for a key that is new meanwhile.
func (s *Source) end(ctx context.Context, lease keystore.Lease, o keystore.Outcome, cooldown time.Duration) {
	if lease == nil {
		return
	}
	if err := s.endOnce(ctx, lease, o, cooldown); err != nil && pause(ctx, storeBackoff()) {
		_ = s.endOnce(ctx, lease, o, cooldown) // it ends by itself
	}
}

// endOnce also does so when the ring is being closed: others should not wait for it.
func (s *Source) endOnce(ctx context.Context, lease keystore.Lease, o keystore.Outcome, cooldown time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	ctx, call := s.tell.StartCall(ctx, telemetry.End)
	err := lease.End(ctx, o, cooldown)
	call.End(ctx, err)
	return err
}

// storeBackoff is the pause before a store that failed is asked once more: what keeps it from
// answering needs time to pass, and many processes may be waiting for that.
func storeBackoff() time.Duration { return storeRetry/2 + rand.N(storeRetry) }
