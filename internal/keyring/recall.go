package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

// recall loads the record and adopts it if it is newer than the snapshot. It returns the
// version to save over, and whether the store said so.
func (s *Source) recall(ctx context.Context) (keystore.Version, bool) {
	rec, version, err := s.load(ctx)
	if err != nil && !aboutContent(err) {
		// One failure may be a hiccup of the store; the issuer is asked after two.
		if !pause(ctx, storeBackoff()) {
			return "", false
		}
		rec, version, err = s.load(ctx)
	}
	if err != nil && !aboutContent(err) {
		s.noteLoad(err)
		return "", false
	}
	s.noteLoad(nil)
	if err != nil {
		return s.heal(ctx, version), true
	}
	if s.consider(rec) {
		s.tell.RolledBack(ctx)
	}
	return s.remind(ctx, rec, version), true
}

// remind puts denials into a record that lacks them: a store that has lost its content gets it
// from whoever is first, and that may be a process that never heard of them. It returns the
// version that is stored then.
func (s *Source) remind(ctx context.Context, rec *keystore.Record, version keystore.Version) keystore.Version {
	stamped := s.stamped(rec)
	if stamped.Epoch = rec.Epoch; len(stamped.Denied) > len(rec.Denied) {
		if reminded, err := s.saveOnce(ctx, stamped, version); err == nil {
			return reminded
		}
	}
	return version
}

// aboutContent tells whether the store works, and has nothing to offer.
func aboutContent(err error) bool {
	return errors.Is(err, keystore.ErrNotFound) || errors.Is(err, keystore.ErrUnusable)
}

func (s *Source) load(ctx context.Context) (*keystore.Record, keystore.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	ctx, call := s.tell.StartCall(ctx, telemetry.Load)
	rec, version, err := s.ring.store.Load(ctx, s.id)
	if err == nil && (rec == nil || rec.ID != s.id) { // a store that is not as it should be
		rec, err = nil, keystore.ErrUnusable
	}
	call.End(ctx, err)
	return rec, version, err
}

// heal puts fresh keys back into a store that has lost the record or holds garbage, dated as
// they are. It returns the version that is stored then.
func (s *Source) heal(ctx context.Context, version keystore.Version) keystore.Version {
	now, snap := time.Now(), s.snap.Load()
	if snap == nil || snap.record == nil || snap.private || !snap.usable(now) || snap.due(now) {
		return version
	}
	healed, err := s.saveOnce(ctx, s.stamped(snap.record), version)
	if err != nil {
		return version
	}
	s.tell.Healed(ctx)
	return healed
}

// consider takes over what a record from the store denies and suspects, and its document if
// that is newer than what is at hand. It passes the same rules as an answer of the issuer. It
// returns true if the record is older, and not used.
func (s *Source) consider(rec *keystore.Record) (older bool) {
	if rec == nil || rec.ID != s.id {
		return false
	}
	s.absorb(rec)
	if snap := s.snap.Load(); snap != nil && snap.record != nil && rec.FetchedAt.Equal(snap.record.FetchedAt) &&
		rec.DocumentEpoch == snap.record.DocumentEpoch {
		return false // what is at hand
	}
	set, skipped, err := jwks.Parse(rec.Document)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, doc, current := time.Now(), parsed{rec, set, skipped}, s.snap.Load()
	sn := s.build(doc, now)
	switch {
	case !sn.newerThan(current):
		return true
	case !sn.usable(now):
	case current.usable(now), sn.age(now) < sn.staleAge:
		s.put(sn)
	default: // the first keys of this process, and old: the issuer may know better
		s.standby = doc
	}
	return false
}

// newerThan tells whether a record may replace what is at hand. It never goes back, whatever
// a store brings up again. The clock of whoever fetched it may be wrong: a date in the future
// counts as now, but only when it is first met.
func (sn *snapshot) newerThan(current *snapshot) bool {
	if current == nil || current.record == nil {
		return true
	}
	if a, b := sn.record.DocumentEpoch, current.record.DocumentEpoch; a != b {
		return a > b
	}
	return !sn.record.FetchedAt.Equal(current.record.FetchedAt) && sn.fetched.After(current.fetched)
}

// fallBack serves an older record once the issuer has not answered.
func (s *Source) fallBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.useStandby(time.Now())
}

// useStandby puts the older record in place if nothing better is. The caller holds mu.
func (s *Source) useStandby(now time.Time) {
	if s.standby.record != nil && !s.snap.Load().usable(now) {
		s.put(s.build(s.standby, now))
	}
}

// save stores a record over what was read. If somebody else was quicker, the newer of the
// two documents wins, and the denials of both.
func (s *Source) save(ctx context.Context, rec *keystore.Record, base keystore.Version) {
	for range 2 {
		_, err := s.saveOnce(ctx, s.stamped(rec), base)
		if err == nil {
			s.noteWrite(nil)
			return
		}
		if !errors.Is(err, keystore.ErrConflict) {
			if s.noteWrite(err); !pause(ctx, storeBackoff()) {
				return
			}
			continue // it may be stored: then the next is a conflict with itself
		}
		stored, version, err := s.load(ctx)
		if err == nil {
			s.consider(stored)
			if stored.DocumentEpoch > rec.DocumentEpoch || !stored.FetchedAt.Before(rec.FetchedAt) {
				return
			}
		}
		base = version
	}
}

func (s *Source) saveOnce(ctx context.Context, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	ctx, call := s.tell.StartCall(ctx, telemetry.Save)
	version, err := s.ring.store.Save(ctx, s.id, rec, base)
	call.End(ctx, err)
	return version, err
}
