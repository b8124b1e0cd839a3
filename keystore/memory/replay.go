package memory

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

const (
	// maxUses bounds what a Replay remembers: some 128 MiB, however long the keys are.
	maxUses = 1 << 20
	// minSweep is how many uses are not worth a sweep.
	minSweep = 1 << 10
	// sweepInterval bounds how often a Replay that is full of unexpired keys is searched.
	sweepInterval = time.Second
)

// Replay remembers uses in this process. It implements [keystore.Replay] and is safe for
// concurrent use.
type Replay struct {
	mu        sync.Mutex
	until     map[[sha256.Size]byte]time.Time
	sweepFrom int // the number of uses
	nextSweep time.Time
}

var _ keystore.Replay = (*Replay)(nil)

// NewReplay returns a Replay that remembers nothing yet.
func NewReplay() *Replay {
	return &Replay{until: make(map[[sha256.Size]byte]time.Time), sweepFrom: minSweep}
}

// Once tells whether this is the first use of key within ttl, which must be positive. With
// 1,048,576 unexpired keys, some 128 MiB, it returns [keystore.ErrUnavailable] for any other:
// forgetting one would let it be used again. Expired ones make room at most once a second.
func (r *Replay) Once(ctx context.Context, key string, ttl time.Duration) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("memory: once: %w", err)
	}
	if ttl <= 0 {
		return false, errors.New("memory: once: the time to live is not positive")
	}
	name := sha256.Sum256([]byte(key))
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if until, ok := r.until[name]; ok && until.After(now) {
		return false, nil
	}
	r.sweep(now)
	if len(r.until) >= maxUses {
		return false, fmt.Errorf("memory: once: too many keys to remember: %w", keystore.ErrUnavailable)
	}
	r.until[name] = now.Add(ttl)
	return true, nil
}

// sweep forgets expired uses whenever twice as many are remembered as the last sweep left,
// so that each use pays for a constant share of a sweep.
func (r *Replay) sweep(now time.Time) {
	if len(r.until) < r.sweepFrom || now.Before(r.nextSweep) {
		return
	}
	for name, until := range r.until {
		if !until.After(now) {
			delete(r.until, name)
		}
	}
	r.sweepFrom = min(max(minSweep, 2*len(r.until)), maxUses)
	r.nextSweep = now.Add(sweepInterval)
}
