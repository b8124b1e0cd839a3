// Package memory keeps records and uses in the memory of one process.
package memory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// Store keeps any number of records until the process ends. Use
// [github.com/keychorus/keychorus/keystore/lru] where the number has to be bounded. It
// implements [keystore.KeyStore] and is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	saves   uint64
	entries map[keystore.ID]entry
}

type entry struct {
	record  *keystore.Record
	version keystore.Version
}

var _ keystore.KeyStore = (*Store)(nil)

// New returns an empty store.
func New() *Store { return &Store{entries: make(map[keystore.ID]entry)} }

// Load returns a copy of the record, or [keystore.ErrNotFound].
func (s *Store) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", fmt.Errorf("memory: load: %w", err)
	}
	s.mu.Lock()
	e, ok := s.entries[id]
	s.mu.Unlock()
	if !ok {
		return nil, "", keystore.ErrNotFound
	}
	return e.record.Clone(), e.version, nil
}

// Save stores a copy of the record over base, or returns [keystore.ErrConflict].
func (s *Store) Save(
	ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version,
) (keystore.Version, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("memory: save: %w", err)
	}
	if rec == nil {
		return "", errors.New("memory: save: the record is nil")
	}
	rec = rec.Clone()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[id].version != base {
		return "", keystore.ErrConflict
	}
	s.saves++
	v := keystore.Version(strconv.FormatUint(s.saves, 10))
	s.entries[id] = entry{rec, v}
	return v, nil
}

// maxUses bounds what a Replay remembers, some 100 MiB at worst.
const maxUses = 1 << 20

// Replay remembers uses in this process. It implements [keystore.Replay] and is safe for
// concurrent use.
type Replay struct {
	mu    sync.Mutex
	until map[string]time.Time
	sweep time.Time
}

var _ keystore.Replay = (*Replay)(nil)

// NewReplay returns a Replay that remembers nothing yet.
func NewReplay() *Replay { return &Replay{until: make(map[string]time.Time)} }

// Once tells whether this is the first use of key within ttl. With more than a million keys
// to remember it returns [keystore.ErrUnavailable]: forgetting one would let it be used again.
func (r *Replay) Once(ctx context.Context, key string, ttl time.Duration) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("memory: once: %w", err)
	}
	if ttl <= 0 {
		return false, errors.New("memory: once: the time to live is not positive")
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if until, ok := r.until[key]; ok && until.After(now) {
		return false, nil
	}
	// Sweeping when the map is full, and at most once a second, keeps the cost of each use
	// constant on average.
	if len(r.until) >= maxUses && now.After(r.sweep) {
		for k, until := range r.until {
			if !until.After(now) {
				delete(r.until, k)
			}
		}
		r.sweep = now.Add(time.Second)
	}
	if len(r.until) >= maxUses {
		return false, fmt.Errorf("memory: too many keys to remember: %w", keystore.ErrUnavailable)
	}
	r.until[key] = now.Add(ttl)
	return true, nil
}
