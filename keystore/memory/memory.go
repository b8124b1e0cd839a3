package memory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/keychorus/keychorus/keystore"
)

// Store keeps any number of records for as long as it lives. It copies what it is given and
// hands out copies, so that nobody can change what it keeps. Every save makes a new version.
// It implements [keystore.KeyStore] and is safe for concurrent use.
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

// Save stores a copy of the record over base, or returns [keystore.ErrConflict]. A nil rec is
// an error.
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
