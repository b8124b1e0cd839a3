package keyring

import (
	"context"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

// cold waits for the first usable keys. asked is the kid of the waiting token.
func (s *Source) cold(ctx context.Context, asked string) error {
	l := s.tell.Lookup(telemetry.Cold)
	err := s.await(ctx, &l, s.ring.cfg.ColdWait, asked, Unavailable, func(now time.Time) bool {
		return s.snap.Load().usable(now)
	})
	l.End(err)
	return err
}

// warm is cold for those who prepare: it waits for the end of one attempt.
func (s *Source) warm(ctx context.Context) error {
	return s.operated(ctx, func(now time.Time) bool { return s.snap.Load().usable(now) })
}

// confirm is warm for those who purge: it also waits until the answer is stored, so that the
// process may end.
func (s *Source) confirm(ctx context.Context) error {
	return s.operated(ctx, func(now time.Time) bool { return s.snap.Load().usable(now) && !s.busy.Load() })
}

func (s *Source) operated(ctx context.Context, settled func(time.Time) bool) error {
	l := s.tell.Lookup(telemetry.Operator)
	err := s.await(ctx, &l, s.warmTime(), "", Unavailable, settled)
	l.End(err)
	return err
}

// warmTime is the longest that one attempt takes, with what surrounds it.
func (s *Source) warmTime() time.Duration {
	return s.ring.cfg.FetchTimeout + 2*storeTimeout + time.Second
}

// awake waits for one look after an idle time. Whatever comes of it, the keys at hand serve.
func (s *Source) awake(ctx context.Context, arrived time.Time) {
	l := s.tell.Lookup(telemetry.Refresh)
	_ = s.await(ctx, &l, s.ring.cfg.StaleWait, "", Unavailable, func(now time.Time) bool {
		return s.looked.After(arrived) || s.gate.left(now) > 0
	})
	l.End(nil) // the keys at hand serve
}

// unknown decides about a kid that the snapshot does not hold.
func (s *Source) unknown(ctx context.Context, arrived time.Time, alg jws.Algorithm, kid string) (*jws.Key, error) {
	var (
		key     *jws.Key
		code    Code
		cooling bool
	)
	l := s.tell.Lookup(telemetry.UnknownKid)
	err := s.await(ctx, &l, s.ring.cfg.UnknownKidWait, kid, Undecided, func(now time.Time) bool {
		snap := s.snap.Load()
		if key, code = snap.find(alg, kid); key != nil || code != Unknown {
			return true
		}
		// The issuer has answered since this request arrived, or it has just said no
		// to somebody else: then it is not asked again for a kid that anyone may
		// have made up.
		cooling = s.answered.Before(arrived)
		return !cooling || s.gate.outcome == keystore.Absent && s.gate.left(now) > 0
	})
	s.decided(ctx, key, code, cooling, err)
	if err == nil && key == nil {
		err = &Error{Code: code}
	}
	l.End(err)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// await blocks until settled says so: it joins the look under way, or starts one, and sits
// out a shut gate that opens within limit. The verdict for giving up is code. settled is
// called with mu held.
func (s *Source) await(
	ctx context.Context, l *telemetry.Lookup, limit time.Duration, asked string, code Code, settled func(time.Time) bool,
) error {
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
		turn, busy := s.turn, s.busy.Load()
		s.mu.Unlock()
		l.Waits(ctx)
		s.sleep(ctx, turn, timer, shut)
		s.mu.Lock()
		s.waiters--
		refresh := s.refreshed(busy)
		s.mu.Unlock()
		l.Waited(refresh)
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
