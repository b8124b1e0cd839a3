package keyring

import (
	"context"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/keystore"
)

// cold waits for the first usable keys. asked is the kid of the waiting token.
func (s *Source) cold(ctx context.Context, asked string) error {
	return s.await(ctx, s.ring.cfg.ColdWait, asked, Unavailable, func(now time.Time) bool {
		return s.snap.Load().usable(now)
	})
}

// warm is cold for those who prepare: it waits for the end of one attempt.
func (s *Source) warm(ctx context.Context) error {
	return s.await(ctx, s.warmTime(), "", Unavailable, func(now time.Time) bool {
		return s.snap.Load().usable(now)
	})
}

// confirm is warm for those who purge: it also waits until the answer is stored, so that the
// process may end.
func (s *Source) confirm(ctx context.Context) error {
	return s.await(ctx, s.warmTime(), "", Unavailable, func(now time.Time) bool {
		return s.snap.Load().usable(now) && !s.busy.Load()
	})
}

// warmTime is the longest that one attempt takes, with what surrounds it.
func (s *Source) warmTime() time.Duration {
	return s.ring.cfg.FetchTimeout + 2*storeTimeout + time.Second
}

// awake waits for one look after an idle time. Whatever comes of it, the keys at hand serve.
func (s *Source) awake(ctx context.Context, arrived time.Time) {
	_ = s.await(ctx, s.ring.cfg.StaleWait, "", Unavailable, func(now time.Time) bool {
		return s.looked.After(arrived) || s.gate.left(now) > 0
	})
}

// unknown decides about a kid that the snapshot does not hold.
func (s *Source) unknown(ctx context.Context, arrived time.Time, alg jws.Algorithm, kid string) (*jws.Key, error) {
	var (
		key  *jws.Key
		code Code
	)
	err := s.await(ctx, s.ring.cfg.UnknownKidWait, kid, Undecided, func(now time.Time) bool {
		snap := s.snap.Load()
		if key, code = snap.find(alg, kid); key != nil || code != Unknown {
			return true
		}
		// The issuer has answered since this request arrived, or it has just said no
		// to somebody else: then it is not asked again for a kid that anyone may
		// have made up.
		return !s.answered.Before(arrived) || s.gate.outcome == keystore.Absent && s.gate.left(now) > 0
	})
	switch {
	case err != nil:
		return nil, err
	case key == nil:
		return nil, &Error{Code: code}
	default:
		return key, nil
	}
}

// await blocks until settled says so: it joins the look under way, or starts one, and sits
// out a shut gate that opens within limit. The verdict for giving up is code. settled is
// called with mu held.
func (s *Source) await(ctx context.Context, limit time.Duration, asked string, code Code, settled func(time.Time) bool) error {
	began := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		now := time.Now()
		if s.ring.ctx.Err() != nil {
			s.mu.Unlock()
			return &Error{Code: Closed}
		}
		if settled(now) {
			s.mu.Unlock()
			return nil
		}
		s.start(now, asked)
		shut := time.Duration(0)
		if !s.busy.Load() {
			shut = s.gate.left(now)
		}
		// After a failure nothing is to be expected; otherwise others may bring the keys.
		failed := s.gate.outcome == keystore.Failed
		if over := limit - now.Sub(began); over <= 0 || shut > over && failed {
			err := s.giveUp(code, shut, now, settled)
			s.mu.Unlock()
			return err
		}
		if s.waiters >= s.ring.cfg.MaxWaiters {
			s.mu.Unlock()
			return &Error{Code: Busy, RetryAfter: time.Second}
		}
		s.waiters++
		turn := s.turn
		s.mu.Unlock()
		s.sleep(ctx, turn, timer, shut)
		s.mu.Lock()
		s.waiters--
		s.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return &Error{Code: Canceled, Err: err}
		}
	}
}

// sleep returns when there is something to look at.
func (s *Source) sleep(ctx context.Context, turn <-chan struct{}, timer *time.Timer, shut time.Duration) {
	var opens <-chan time.Time
	if shut > 0 {
		t := time.NewTimer(shut)
		defer t.Stop()
		opens = t.C
	}
	select {
	case <-turn:
	case <-opens:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ring.ctx.Done():
	}
}

// giveUp is the last resort of a cold start, then the error. The caller holds mu.
func (s *Source) giveUp(code Code, shut time.Duration, now time.Time, settled func(time.Time) bool) error {
	if s.useStandby(now); settled(now) {
		return nil
	}
	return &Error{Code: code, RetryAfter: max(shut, time.Second), Err: s.problem.err}
}
