package sealed

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// A lease and the cool-down after it are one value under one name: created if absent, kept
// for as long as an attempt may last, and then swapped by its holder for a value that says
// what became of it. Nobody renews or deletes it; its remaining life is the time that is left.
const (
	leaseMagic = "KCL\x01"
	leaseLabel = "keychorus/lease/1"
	leaseSize  = len(leaseMagic) + 1 + 8 + 4 + 16 + macSize
	// leaseLife is one second more than an attempt takes at most by default.
	leaseLife = 6 * time.Second
	// leaseClockError is how far clocks may be apart before a lease is not believed. Without
	// a bound, a value of the past could be put back to keep a fleet from fetching.
	leaseClockError = 2 * time.Minute
	// abandonedLeft is what an attempt that was broken off leaves at most.
	abandonedLeft = time.Second
	// maxCooldown bounds for how long a captured cool-down is believed.
	maxCooldown = 24 * time.Hour
)

// leaseValue is what a lease says. A zero outcome is an attempt under way.
type leaseValue struct {
	outcome keystore.Outcome
	began   time.Time
	life    time.Duration
}

func (s *secret) sealLease(namespace string, id keystore.ID, v leaseValue) []byte {
	b := make([]byte, 0, leaseSize)
	b = append(b, leaseMagic...)
	b = append(b, byte(v.outcome))
	b = binary.BigEndian.AppendUint64(b, uint64(v.began.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, uint32(v.life.Milliseconds()))
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	b = append(b, nonce...)
	return append(b, s.mac(b, leaseLabel, namespace, id.Issuer, id.JWKSURL)...)
}

func (s *secret) openLease(namespace string, id keystore.ID, b []byte) (leaseValue, bool) {
	if len(b) != leaseSize {
		return leaseValue{}, false
	}
	body, mac := b[:leaseSize-macSize], b[leaseSize-macSize:]
	if !hmac.Equal(mac, s.mac(body, leaseLabel, namespace, id.Issuer, id.JWKSURL)) {
		return leaseValue{}, false
	}
	return decodeLease(body)
}

// decodeLease reads the body of a lease whose seal holds.
func decodeLease(body []byte) (leaseValue, bool) {
	r := reader{rest: body}
	if string(r.take(uint32(len(leaseMagic)))) != leaseMagic {
		return leaseValue{}, false
	}
	v := leaseValue{
		outcome: keystore.Outcome(r.take(1)[0]),
		began:   time.UnixMilli(int64(r.uint64())),
		life:    time.Duration(r.uint32()) * time.Millisecond,
	}
	return v, !r.short && v.outcome <= keystore.Abandoned
}

// hold returns who holds a lease, or false if what is stored is not to be believed: it was
// not sealed by this fleet, or it should have ended by now.
func (s *Store) hold(sec *secret, id keystore.ID, e entry, now time.Time) (keystore.Hold, bool) {
	v, ok := sec.openLease(s.namespace, id, e.value)
	if !ok || now.Sub(v.began) > v.life+leaseClockError || v.began.Sub(now) > leaseClockError {
		return keystore.Hold{}, false
	}
	left := min(e.left, v.life)
	if e.left <= 0 { // the back end does not tell
		left = min(max(v.life-now.Sub(v.began), 0), v.life)
	}
	return keystore.Hold{Fetching: v.outcome == 0, Outcome: v.outcome, Left: left}, true
}

// TryLease implements [keystore.Coordinator]. A lease that this fleet did not seal, or that
// is older than it says, is taken over: whoever can write to the back end cannot hold one.
// While the primary secret is being changed, two claims at the same moment, under the old and
// under the new one, may both be granted: that costs a fetch, and harms nobody.
func (s *Store) TryLease(ctx context.Context, id keystore.ID) (keystore.Lease, keystore.Hold, error) {
	for i := range s.secrets.ring[1:] { // those who still seal with a previous secret hold theirs there
		sec := &s.secrets.ring[1+i]
		if hold, _, ok, err := s.look(ctx, sec, id); err != nil || ok {
			return nil, hold, err
		}
	}
	primary := &s.secrets.ring[0]
	value := s.claims.take(id)
	if value == nil {
		value = primary.sealLease(s.namespace, id, leaseValue{began: time.Now(), life: leaseLife})
	}
	l := &lease{store: s, id: id, value: value}
	var old []byte
	for range 3 { // what is there may end between two calls
		err := s.swap(ctx, s.calls, "lease", s.name(primary, id, kindLease), old, l.value, leaseLife)
		if err == nil {
			if old != nil {
				s.counts.takenOver.Add(1)
			}
			return l, keystore.Hold{}, nil
		}
		if !errors.Is(err, keystore.ErrConflict) {
			s.claims.unanswered(id, l.value)
			return nil, keystore.Hold{}, err
		}
		hold, value, ok, err := s.look(ctx, primary, id)
		if err != nil {
			s.claims.unanswered(id, l.value)
			return nil, keystore.Hold{}, err
		}
		if bytes.Equal(value, l.value) { // granted before: only the answer was late
			return l, keystore.Hold{}, nil
		}
		if ok {
			return nil, hold, nil
		}
		old = value
	}
	return nil, keystore.Hold{Fetching: true, Left: leaseLife}, nil
}

// claims are leases that this process asked for and was not answered about. The back end may
// have granted them: then nobody else gets one, so the same lease is asked for again.
type claims struct {
	mu      sync.Mutex
	pending map[keystore.ID]claim
}

type claim struct {
	value []byte
	until time.Time
}

// take returns such a lease, to one caller alone, or nil.
func (c *claims) take(id keystore.ID) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pending[id]
	delete(c.pending, id)
	if time.Now().After(p.until) {
		return nil
	}
	return p.value
}

func (c *claims) unanswered(id keystore.ID, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		c.pending = map[keystore.ID]claim{}
	}
	now := time.Now()
	maps.DeleteFunc(c.pending, func(_ keystore.ID, p claim) bool { return now.After(p.until) }) // not asked for again
	c.pending[id] = claim{value, now.Add(leaseLife)}
}

// look returns who holds the lease under one secret, and what is stored there, nil for
// nothing. ok says that it is to be believed.
func (s *Store) look(ctx context.Context, sec *secret, id keystore.ID) (hold keystore.Hold, value []byte, ok bool, err error) {
	value, left, err := s.get(ctx, s.calls, "lease", s.name(sec, id, kindLease))
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return keystore.Hold{}, nil, false, nil
	case errors.Is(err, keystore.ErrUnusable):
		return keystore.Hold{}, value, false, nil
	case err != nil:
		return keystore.Hold{}, nil, false, err
	}
	hold, ok = s.hold(sec, id, entry{value, left}, time.Now())
	return hold, value, ok, nil
}

type lease struct {
	store *Store
	id    keystore.ID
	value []byte
}

// End implements [keystore.Lease]. Whoever holds the lease by now is not disturbed. A cool-down
// is at most a day, and at most a second after an attempt that was abandoned.
func (l *lease) End(ctx context.Context, o keystore.Outcome, cooldown time.Duration) error {
	switch {
	case o < keystore.Useful || o > keystore.Abandoned:
		return fmt.Errorf("sealed: lease: there is no outcome %d", o)
	case o == keystore.Abandoned:
		cooldown = min(cooldown, abandonedLeft)
	}
	cooldown = min(max(cooldown, time.Millisecond), maxCooldown)
	s, primary := l.store, &l.store.secrets.ring[0]
	value := primary.sealLease(s.namespace, l.id, leaseValue{outcome: o, began: time.Now(), life: cooldown})
	err := s.swap(ctx, s.calls, "lease", s.name(primary, l.id, kindLease), l.value, value, cooldown)
	if errors.Is(err, keystore.ErrConflict) {
		return nil
	}
	return err
}
