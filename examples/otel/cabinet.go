package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// cabinet is a back end in memory, in the place of the Redis of a fleet. It can be away, and
// what lies in it can be spoilt.
type cabinet struct {
	mu      sync.Mutex
	drawers map[string]drawer
	locked  bool
	leased  bool // the lease has been taken and not been ended
}

type drawer struct {
	value []byte
	until time.Time
}

var errAway = errors.New("the store is away")

// Get implements [sealed.Backend].
func (c *cabinet) Get(_ context.Context, key string) ([]byte, time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked {
		return nil, 0, errAway
	}
	d := c.drawers[key]
	if left := time.Until(d.until); left > 0 {
		return d.value, left, nil
	}
	return nil, 0, keystore.ErrNotFound
}

// Swap implements [sealed.Backend].
func (c *cabinet) Swap(_ context.Context, key string, old, value []byte, ttl time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked {
		return errAway
	}
	d := c.drawers[key]
	there := time.Until(d.until) > 0
	if there != (old != nil) || there && !bytes.Equal(d.value, old) {
		return keystore.ErrConflict
	}
	c.drawers[key] = drawer{value, time.Now().Add(ttl)}
	if strings.HasSuffix(key, ":lease") {
		c.leased = !there
	}
	return nil
}

// calm waits until no lease is held. A request is answered as soon as its key has come, before
// the refresh has put that into the store: whoever takes the store away at that moment leaves
// a lease behind, and until that has expired, everybody waits for a process that is done.
func (c *cabinet) calm(ctx context.Context) error {
	for {
		c.mu.Lock()
		leased := c.leased
		c.mu.Unlock()
		if !leased {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (c *cabinet) away(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked = is
}

// backup returns a copy of the records, which [cabinet.restore] puts back.
func (c *cabinet) backup() map[string]drawer {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make(map[string]drawer)
	for name, d := range c.drawers {
		if strings.HasSuffix(name, ":set") {
			kept[name] = d
		}
	}
	return kept
}

func (c *cabinet) restore(kept map[string]drawer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.drawers, kept)
}

// spoil changes a byte of every record, as somebody does who has no secret.
func (c *cabinet) spoil() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, d := range c.drawers {
		if strings.HasSuffix(name, ":set") {
			value := bytes.Clone(d.value)
			value[len(value)/2] ^= 1
			c.drawers[name] = drawer{value, d.until}
		}
	}
}
