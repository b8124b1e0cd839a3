package keyring

import (
	"math/rand/v2"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// rewatch is the time before a watch that ended is begun again.
const rewatch = 30 * time.Second

// watch follows the announcements of a store that others write to, from the first look on.
func (r *Ring) watch() {
	if r.coordinator == nil || !r.watching.CompareAndSwap(false, true) {
		return
	}
	r.spawn(func() {
		for {
			_ = r.coordinator.Watch(r.ctx, r.hear)
			if !pause(r.ctx, jittered(rewatch)) {
				return
			}
		}
	})
}

// hear takes over what a store announces.
func (r *Ring) hear(e keystore.Event) {
	if e.ID == (keystore.ID{}) { // anything may have been missed
		for s := range r.all() {
			s.pollSoon()
		}
		return
	}
	s := r.byID(e.ID)
	switch {
	case s == nil || s.fetch == nil:
	case e.Record == nil || e.Gap:
		s.pollSoon()
	default:
		if s.consider(e.Record) {
			s.tell.RolledBack(r.ctx)
		}
		s.report()
	}
}

func (r *Ring) byID(id keystore.ID) *Source {
	for _, s := range r.sources {
		if s.id == id {
			return s
		}
	}
	if s := r.Tenant(id.Issuer); s != nil && s.id == id {
		return s
	}
	return nil
}

// pollSoon looks at the store within a moment. All processes of a fleet are told to at the
// same time.
func (s *Source) pollSoon() {
	now := time.Now()
	if s.fetch == nil || s.unused(now) > idleTime {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy.Load() { // a look is under way, and may have been too early
		s.missed = true
		return
	}
	s.spawn(func() {
		if pause(s.ring.ctx, rand.N(storeRetry)) {
			s.glance()
		}
	})
}

// glance is a look at the store alone.
func (s *Source) glance() {
	_, known := s.recall(s.ring.ctx)
	s.report()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if known && !s.aloneAt.IsZero() && s.gate.outcome == keystore.Absent && now.Sub(s.aloneAt) >= s.ring.cfg.Cooldown {
		s.aloneAt = time.Time{} // the store says again who may ask, and when
		s.shut(gate{})
	}
	s.done(now)
}
