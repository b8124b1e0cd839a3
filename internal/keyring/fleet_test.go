package keyring_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// remote is a back end in memory that the processes of a fleet share. Its time is that of the
// test.
type remote struct {
	mu     sync.Mutex
	values map[string]remoteValue
	subs   map[string]map[int]chan []byte
	next   int
	calls  int

	down, hung, full, deaf bool
	lostEnds               int // how many more ends of a lease do not get through
}

type remoteValue struct {
	value []byte
	until time.Time
}

func newRemote() *remote {
	return &remote{values: map[string]remoteValue{}, subs: map[string]map[int]chan []byte{}}
}

func (r *remote) change(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// enter is what every call passes.
func (r *remote) enter(ctx context.Context, writes bool) error {
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	r.calls++
	down, hung, full := r.down, r.hung, r.full
	r.mu.Unlock()
	switch {
	case hung:
		<-ctx.Done()
		return ctx.Err()
	case down:
		return errors.New("connection refused")
	case full && writes:
		return fmt.Errorf("%w: out of memory", sealed.ErrRefused)
	}
	return nil
}

func (r *remote) Get(ctx context.Context, key string) ([]byte, time.Duration, error) {
	if err := r.enter(ctx, false); err != nil {
		return nil, 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[key]
	if !ok || !v.until.After(time.Now()) {
		return nil, 0, keystore.ErrNotFound
	}
	return bytes.Clone(v.value), time.Until(v.until), nil
}

func (r *remote) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	if err := r.enter(ctx, true); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[key]
	ok = ok && v.until.After(time.Now())
	if r.lostEnds > 0 && ok && strings.Contains(key, "lease") {
		r.lostEnds--
		return context.DeadlineExceeded
	}
	if ok != (old != nil) || ok && !bytes.Equal(v.value, old) {
		return keystore.ErrConflict
	}
	r.values[key] = remoteValue{bytes.Clone(value), time.Now().Add(ttl)}
	return nil
}

func (r *remote) Publish(ctx context.Context, topic string, msg []byte) error {
	if err := r.enter(ctx, false); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deaf {
		return nil
	}
	for _, c := range r.subs[topic] {
		select {
		case c <- bytes.Clone(msg):
		default:
		}
	}
	return nil
}

func (r *remote) Subscribe(ctx context.Context, topic string, on func([]byte), gap func()) error {
	c := make(chan []byte, 64)
	var n int
	r.change(func() {
		if r.subs[topic] == nil {
			r.subs[topic] = map[int]chan []byte{}
		}
		n = r.next
		r.next++
		r.subs[topic][n] = c
	})
	defer r.change(func() { delete(r.subs[topic], n) })
	gap()
	for {
		select {
		case msg := <-c:
			on(msg)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// overwrite replaces every value of a kind, such as "set".
func (r *remote) overwrite(kind string, with func(old []byte) []byte) (n int) {
	r.change(func() {
		for name, v := range r.values {
			if strings.HasSuffix(name, ":"+kind) {
				r.values[name] = remoteValue{with(v.value), time.Now().Add(24 * time.Hour)}
				n++
			}
		}
	})
	return n
}

// values returns what is stored under names of a kind.
func (r *remote) stored(kind string) (all [][]byte) {
	r.change(func() {
		for name, v := range r.values {
			if strings.HasSuffix(name, ":"+kind) {
				all = append(all, bytes.Clone(v.value))
			}
		}
	})
	return all
}

var fleetSecret = []byte(rand.Text() + rand.Text())

// replica is a process of a fleet: a ring and a store of its own over what all share.
type replica struct {
	*keyring.Source

	ring  *keyring.Ring
	store *sealed.Store
}

func newReplica(tb testing.TB, r *remote, f keyring.Fetcher, cfg keyring.Config) *replica {
	tb.Helper()
	secrets, err := sealed.NewSecrets(fleetSecret)
	if err != nil {
		tb.Fatal(err)
	}
	store, err := sealed.New(r, secrets)
	if err != nil {
		tb.Fatal(err)
	}
	s, ring := sourceAndRing(tb, f, cfg, store)
	tb.Cleanup(ring.Close)
	return &replica{s, ring, store}
}

func newFleet(tb testing.TB, n int, r *remote, f keyring.Fetcher) []*replica {
	tb.Helper()
	fleet := make([]*replica, n)
	for i := range fleet {
		fleet[i] = newReplica(tb, r, f, keyring.Config{})
	}
	return fleet
}

// each lets every replica do the same at the same time.
func each(fleet []*replica, do func(i int, s *replica)) {
	var wg sync.WaitGroup
	for i, s := range fleet {
		wg.Go(func() { do(i, s) })
	}
	wg.Wait()
}

// allFind lets every replica look up a kid at the same time, and wants it found.
func allFind(tb testing.TB, fleet []*replica, kid string) {
	tb.Helper()
	each(fleet, func(i int, s *replica) {
		if code := lookUp(tb, s.Source, kid); code != 0 {
			tb.Errorf("replica %d: key %q: %v", i, kid, code)
		}
	})
}

// serve lets every replica verify with a kid for a while, each at its own moments.
func serve(tb testing.TB, fleet []*replica, kid string, d, every time.Duration) {
	tb.Helper()
	each(fleet, func(i int, s *replica) {
		time.Sleep(every * time.Duration(i) / time.Duration(len(fleet)))
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(every) {
			if code := lookUp(tb, s.Source, kid); code != 0 {
				tb.Errorf("replica %d: key %q: %v", i, kid, code)
				return
			}
		}
	})
}
