package keyring

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// pollInterval is how often the store is looked at for what others put there, give or
	// take a fifth.
	pollInterval = 15 * time.Second
	// idleTime is how long a source is kept fresh without being used.
	idleTime = time.Hour
	// useResolution bounds how often use is noted, so that cores do not write to one place
	// on every verification.
	useResolution = time.Second
)

// Follow keeps the sources fresh without requests, and follows the store, until ctx ends or
// the ring is closed. A source that nobody used for an hour is left alone.
func (r *Ring) Follow(ctx context.Context) error {
	for {
		now := time.Now()
		wait := jittered(pollInterval)
		for s := range r.all() {
			wait = min(wait, s.tend(now))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-r.ctx.Done():
			timer.Stop()
			return &Error{Code: Closed}
		}
	}
}

// minTend keeps a source that needs something at once from keeping the others waiting.
const minTend = 10 * time.Millisecond

// tend starts what a source needs now and returns the time to the next refresh or look.
func (s *Source) tend(now time.Time) time.Duration {
	snap := s.snap.Load()
	if s.fetch == nil || s.unused(now) > idleTime {
		return never
	}
	if !snap.usable(now) || snap.due(now) {
		s.nudge(now)
		return never // the next round looks again
	}
	s.poll(now)
	wait := snap.refreshAge - snap.age(now)
	if s.ring.polls && !s.busy.Load() {
		wait = min(wait, time.Duration(s.pollAt.Load()-s.ring.since(now)))
	}
	return max(wait, minTend)
}

// poll looks at the store in the background if it is time to.
func (s *Source) poll(now time.Time) {
	if s.busy.Load() || s.ring.since(now) < s.pollAt.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy.Load() || s.ring.since(now) < s.pollAt.Load() {
		return
	}
	s.spawn(s.glance)
}

// used notes that somebody uses the source.
func (s *Source) used(now time.Time) {
	at := s.ring.since(now)
	if at-s.lastUsed.Load() > int64(useResolution) {
		s.lastUsed.Store(at)
	}
}

// unused is the time since somebody used the source, to within useResolution.
func (s *Source) unused(now time.Time) time.Duration {
	return time.Duration(s.ring.since(now) - s.lastUsed.Load())
}

// schedulePoll sets the next poll. A store of this ring alone has no news.
func (s *Source) schedulePoll(now time.Time) {
	if s.ring.polls {
		s.pollAt.Store(s.ring.since(now.Add(jittered(pollInterval))))
	}
}

// jittered returns d give or take a fifth.
func jittered(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5)
}
