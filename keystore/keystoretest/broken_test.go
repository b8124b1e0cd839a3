package keystoretest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// store is a right store with switches that make it wrong.
type store struct {
	mu      *sync.Mutex
	entries map[any]stored
	order   []keystore.ID
	saves   *int
	broken  bool

	key                                                 func(keystore.ID) any
	alterSaved                                          func(*keystore.Record)
	alterLoaded                                         func(*keystore.Record)
	noCopyIn, noCopyOut, anyBase, createOver, ignoreCtx bool
	sameVersion, racy, nilIsEmpty, emptyIsFound         bool
	lateCtx, forgetNothing, forgetAll, staleIsFine      bool
	restart                                             bool
	bound                                               int
	downIsMissing, downIsConflict, downIsUnnamed, apart bool

	oneAtATime bool // keeps what it is asked for in asked
	asked      keystore.ID
	leaks      <-chan struct{} // what a goroutine waits for
}

type stored struct {
	rec *keystore.Record
	v   keystore.Version
}

func newStore(wrong func(*store)) *store {
	s := &store{mu: new(sync.Mutex), entries: map[any]stored{}, saves: new(int), key: func(id keystore.ID) any { return id }}
	if wrong != nil {
		wrong(s)
	}
	return s
}

func (s *store) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	if err := ctx.Err(); err != nil && !s.ignoreCtx {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken && s.downIsUnnamed {
		return nil, "", errors.New("down")
	}
	if s.broken && !s.downIsMissing {
		return nil, "", keystore.ErrUnavailable
	}
	id = s.ask(id)
	e, ok := s.entries[s.key(id)]
	if !ok || s.broken {
		if s.emptyIsFound {
			return &keystore.Record{}, "", nil
		}
		return nil, "", keystore.ErrNotFound
	}
	rec := e.rec
	if !s.noCopyOut {
		rec = rec.Clone()
	}
	if s.alterLoaded != nil {
		s.alterLoaded(rec)
	}
	return rec, e.v, nil
}

func (s *store) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	if err := ctx.Err(); err != nil && !s.ignoreCtx && !s.lateCtx {
		return "", err
	}
	if rec == nil && !s.nilIsEmpty {
		return "", errors.New("nil")
	}
	if !s.noCopyIn {
		rec = rec.Clone()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken && s.downIsConflict {
		return "", keystore.ErrConflict
	}
	if s.broken {
		return "", keystore.ErrUnavailable
	}
	if s.leaks != nil {
		go func() { <-s.leaks }()
	}
	current := s.entries[s.key(id)].v
	if s.racy { // looks, lets others in, then writes
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
	if current != base && !s.anyBase && !(s.createOver && base == "") && !(s.staleIsFine && base != "" && current == "") {
		return "", keystore.ErrConflict
	}
	if s.alterSaved != nil {
		s.alterSaved(rec)
	}
	v := s.nextVersion()
	s.entries[s.key(id)] = stored{rec, v}
	s.forget(id)
	return v, ctx.Err()
}

func (s *store) nextVersion() keystore.Version {
	if s.sameVersion {
		return "v"
	}
	*s.saves++
	return keystore.Version("v" + strconv.Itoa(*s.saves))
}

// forget makes room for id.
func (s *store) forget(id keystore.ID) {
	if !slices.Contains(s.order, id) {
		s.order = append(s.order, id)
	}
	if s.bound == 0 || len(s.order) <= s.bound || s.forgetNothing {
		return
	}
	delete(s.entries, s.key(s.order[0]))
	s.order = s.order[1:]
	if s.restart {
		*s.saves = 0
	}
	if s.forgetAll {
		clear(s.entries)
		s.order = nil
	}
}

// ask lets others in between hearing an ID and looking it up.
func (s *store) ask(id keystore.ID) keystore.ID {
	if !s.oneAtATime {
		return id
	}
	s.asked = id
	s.mu.Unlock()
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	return s.asked
}

func (s *store) options() []Option {
	opts := []Option{
		Shared(func(testing.TB) (one, other keystore.KeyStore) {
			if s.apart {
				return s, newStore(nil)
			}
			return s.fresh(), s
		}),
		Break(func(working keystore.KeyStore) {
			if w, ok := working.(*store); ok {
				w.broken = true
			}
		}),
	}
	if s.bound > 0 {
		opts = append(opts, Bounded(s.bound))
	}
	return opts
}

// fresh is another handle on the same contents.
func (s *store) fresh() *store { c := *s; return &c }
