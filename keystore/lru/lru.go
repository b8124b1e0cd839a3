package lru

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	golru "github.com/hashicorp/golang-lru/v2"

	"github.com/keychorus/keychorus/keystore"
)

// Store keeps at most a fixed number of records. It copies what it is given and hands out
// copies, so that nobody can change what it keeps. Every save makes a new version, also of a
// record that was forgotten in between. It implements [keystore.KeyStore], is safe for
// concurrent use, and starts no goroutine.
type Store struct {
	entries *golru.Cache[keystore.ID, entry]
	mu      sync.Mutex // over the look and the write of a save, which the library locks apart
	saves   uint64
}

type entry struct {
	record  *keystore.Record
	version keystore.Version
}

var _ keystore.KeyStore = (*Store)(nil)

// New returns an empty store for at most size records. A size below 1 is an error.
func New(size int) (*Store, error) {
	entries, err := golru.New[keystore.ID, entry](size)
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
	e, ok := s.entries.Get(id)
	if !ok {
		return nil, "", keystore.ErrNotFound
	}
	return e.record.Clone(), e.version, nil
}

// Save stores a copy of the record over base, or returns [keystore.ErrConflict], also if
// base was forgotten: then load again and save over nothing. A nil rec is an error.
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
