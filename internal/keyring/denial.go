package keyring

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// maxDenied bounds the deny list of a source: what an operator adds by hand in an incident.
const maxDenied = 64

// ErrDenyListFull means that the deny list of a source has no room.
var ErrDenyListFull = errors.New("keyring: the deny list is full")

// denials are what operators decided. They only ever grow, and are merged from every
// record, also from one whose document is not used.
type denials struct {
	keys  []string // kids and thumbprints, sorted
	epoch uint64
}

// merged returns the union of the lists and the greater of the epochs.
func (d denials) merged(keys []string, epoch uint64) denials {
	all := slices.Concat(d.keys, keys)
	slices.Sort(all)
	return denials{slices.Compact(all), max(d.epoch, epoch)}
}

func (d denials) equal(keys []string, epoch uint64) bool {
	return d.epoch == epoch && slices.Equal(d.keys, keys)
}

// absorb takes over what a record denies, and what it suspects of the very answer that is at
// hand.
func (s *Source) absorb(rec *keystore.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if snap := s.snap.Load(); snap != nil && snap.record != nil && rec.FetchedAt.Equal(snap.record.FetchedAt) &&
		rec.Suspect != ([sha256.Size]byte{}) {
		s.suspectLocked(rec.Suspect, rec.SuspectSince)
	}
	if merged := s.denials.merged(rec.Denied, rec.Epoch); !s.denials.equal(merged.keys, merged.epoch) {
		s.deny(merged)
	}
}

// deny puts denials into force. The caller holds mu.
func (s *Source) deny(d denials) {
	if d.epoch > s.denials.epoch && s.gate.outcome != keystore.Failed {
		s.shut(gate{}) // a purge passes the cool-down of an attempt that was answered
	}
	s.denials = d
	if old := s.snap.Load(); old != nil {
		sn := *old
		s.filter(&sn)
		sn.generation++
		s.snap.Store(&sn)
	}
	s.wake()
}

// stamped returns a copy of a record with the denials now in force.
func (s *Source) stamped(rec *keystore.Record) *keystore.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := *rec
	d := s.denials.merged(rec.Denied, rec.Epoch)
	c.Denied, c.Epoch = d.keys, d.epoch
	return &c
}

// Revoke denies a kid and the thumbprints now under it, at once in this process and, through
// the store, wherever else. It tries to save until ctx ends; if it cannot, the denial holds
// here and goes out with the next record.
func (s *Source) Revoke(ctx context.Context, kid string) error {
	s.mu.Lock()
	add := []string{kid}
	if snap := s.snap.Load(); snap != nil {
		for key := range snap.all.All() {
			if key.ID() == kid {
				add = append(add, key.Thumbprint())
			}
		}
	}
	d := s.denials.merged(add, 0)
	if len(d.keys) > maxDenied {
		s.mu.Unlock()
		return ErrDenyListFull
	}
	s.deny(d)
	s.mu.Unlock()
	return s.share(ctx)
}

// Purge makes all keys unusable until the issuer has confirmed them anew, and asks it. It
// passes the cool-down of an attempt that was answered, never that of one that failed.
func (s *Source) Purge(ctx context.Context) error {
	if s.fetch == nil {
		return nil // static keys have nobody to confirm them
	}
	if rec, _, err := s.load(ctx); err == nil {
		s.absorb(rec) // it may know of more purges than this process
	}
	s.mu.Lock()
	s.deny(s.denials.merged(nil, s.denials.epoch+1))
	s.forced = s.gate.outcome != keystore.Failed
	s.mu.Unlock()
	return errors.Join(s.share(ctx), s.confirm(ctx))
}

// share saves the denials in force, over and over until they are stored or ctx ends.
func (s *Source) share(ctx context.Context) error {
	if s.fetch == nil {
		return nil
	}
	for {
		err := s.shareOnce(ctx)
		if err == nil {
			return nil
		}
		wait := 100*time.Millisecond + rand.N(150*time.Millisecond)
		if errors.Is(err, keystore.ErrConflict) {
			wait = rand.N(10 * time.Millisecond)
		}
		if !pause(ctx, wait) {
			return &Error{Code: Unavailable, RetryAfter: time.Second, Err: err}
		}
	}
}

func (s *Source) shareOnce(ctx context.Context) error {
	rec, version, err := s.load(ctx)
	switch {
	case err == nil:
		s.absorb(rec)
	case errors.Is(err, keystore.ErrNotFound), errors.Is(err, keystore.ErrUnusable):
		rec = &keystore.Record{ID: s.id}
		if snap := s.snap.Load(); snap != nil && snap.record != nil && !snap.private {
			rec = snap.record
		}
	default:
		return err
	}
	stamped := s.stamped(rec)
	if err == nil && slices.Equal(stamped.Denied, rec.Denied) && stamped.Epoch == rec.Epoch {
		return nil
	}
	_, err = s.saveOnce(ctx, stamped, version)
	return err
}
