// Package lru keeps a bounded number of records in the memory of one process, and forgets
// the one unused for longest. It is for issuers that come and go; with a fixed list of
// issuers package memory is enough.
package lru

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/keychorus/keychorus/keystore"
)

// Store keeps at most a fixed number of records. It implements [keystore.KeyStore] and is
// safe for concurrent use.
type Store struct {
	mu      sync.Mutex // over look and save together, which the library's own lock is not
	saves   uint64
	entries *simplelru.LRU[keystore.ID, entry]
}

type entry struct {
	record  *keystore.Record
	version keystore.Version
}

var _ keystore.KeyStore = (*Store)(nil)

// New returns an empty store for at most size records. A size below 1 is an error.
func New(size int) (*Store, error) {
	entries, err := simplelru.NewLRU[keystore.ID, entry](size, nil)
	if err != nil {
		return nil, fmt.Errorf("lru: the size is %d: at least 1", size)
	}
	return &Store{entries: entries}, nil
}

// Load returns a copy of the record, or [keystore.ErrNotFound], also for a record that was
// forgotten.
func (s *Store) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", fmt.Errorf("lru: load: %w", err)
	}
	s.mu.Lock()
	e, ok := s.entries.Get(id)
	s.mu.Unlock()
	if !ok {
		return nil, "", keystore.ErrNotFound
	}
	return e.record.Clone(), e.version, nil
}

// Save stores a copy of the record over base, or returns [keystore.ErrConflict], also if
// base was forgotten: then load again and save over nothing.
func (s *Store) Save(
	ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version,
) (keystore.Version, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("lru: save: %w", err)
	}
	if rec == nil {
		return "", errors.New("lru: save: the record is nil")
	}
	rec = rec.Clone()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, _ := s.entries.Peek(id); e.version != base {
		return "", keystore.ErrConflict
	}
	s.saves++
	v := keystore.Version(strconv.FormatUint(s.saves, 10))
	s.entries.Add(id, entry{rec, v})
	return v, nil
}
