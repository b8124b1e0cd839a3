package sealed_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// race has all stores use each key at once, and wants one of them to be first.
func race(t *testing.T, stores []*sealed.Store) {
	t.Helper()
	for key := range 15 {
		var first atomic.Int64
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				time.Sleep(time.Duration(i*key%7) * time.Microsecond) // another order each time
				ok, err := stores[i%len(stores)].Once(t.Context(), fmt.Sprint("key", key), time.Minute)
				if err != nil {
					t.Errorf("Once: %v", err)
				}
				if ok {
					first.Add(1)
				}
			})
		}
		wg.Wait()
		for _, s := range stores {
			if ok, err := s.Once(t.Context(), fmt.Sprint("key", key), time.Minute); ok || err != nil {
				t.Errorf("after the race, another use: first is %v, %v", ok, err)
			}
		}
		if first.Load() != 1 {
			t.Errorf("%d uses of key %d were first, want 1", first.Load(), key)
		}
	}
}

// The names of secrets decide in which order they are used: both orders are tried.
func TestExactlyOneUseIsFirstWhileSecretsAreChanged(t *testing.T) {
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}, {"c", "d"}, {"d", "c"}} {
		older, newer := pair[0], pair[1]
		for _, stage := range [][][]string{
			{{older}},
			{{older}, {older, newer}},
			{{older, newer}},
			{{older, newer}, {newer, older}},
			{{newer, older}},
			{{newer, older}, {newer}},
			{{older, newer, "e"}, {newer, "e", older}, {"e", older, newer}},
		} {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				b.slow = 10 * time.Microsecond
				var stores []*sealed.Store
				for _, ring := range stage {
					stores = append(stores, newStoreWith(t, b, newSecrets(t, ring[0], ring[1:]...), sealed.WithTimeout(time.Second)))
				}
				race(t, stores)
			})
		}
	}
}

// What was used before a step is known after it.
func TestUsesOutliveTheChangeOfSecrets(t *testing.T) {
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
		older, newer := pair[0], pair[1]
		synctest.Test(t, func(t *testing.T) {
			b := newBackend()
			steps := [][]string{{older}, {older, newer}, {newer, older}, {newer}}
			for i := range len(steps) - 1 {
				before := newStoreWith(t, b, newSecrets(t, steps[i][0], steps[i][1:]...))
				after := newStoreWith(t, b, newSecrets(t, steps[i+1][0], steps[i+1][1:]...))
				for n, s := range []*sealed.Store{before, after} {
					key := fmt.Sprint("used", i, n)
					if first, err := s.Once(t.Context(), key, time.Minute); !first || err != nil {
						t.Errorf("step %d: the first use: %v, %v", i, first, err)
					}
					for _, s := range []*sealed.Store{before, after} {
						if first, err := s.Once(t.Context(), key, time.Minute); first || err != nil {
							t.Errorf("step %d: the second use: first is %v, %v", i, first, err)
						}
					}
				}
			}
		})
	}
}

func TestUsesAndRecordsDoNotHoldEachOtherUp(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.hang = make(chan struct{})
		for range 10 {
			_ = load(t, s)
		}
		close(b.hang)
		synctest.Wait()
		b.set(func() { b.hang = nil })
		if first, err := s.Once(t.Context(), "key", time.Minute); !first || err != nil {
			t.Errorf("while records rest, Once: %v, %v", first, err)
		}
		time.Sleep(time.Minute)
		mustSave(t, s, record(), "")
		b.set(func() { b.hang = make(chan struct{}) })
		for range 100 {
			_, err := s.Once(t.Context(), "other", time.Minute)
			wantError(t, "Once", err, keystore.ErrUnavailable)
		}
		close(b.hang)
		synctest.Wait()
		b.set(func() { b.hang = nil })
		mustLoad(t, s)
		if !s.Stats().Resting {
			t.Error("nobody noticed that the back end hung")
		}
	})
}

func TestNothingIsFirstWhileTheBackEndFails(t *testing.T) {
	for what, fail := range map[string]func(*backend){
		"is down": func(b *backend) { b.down = true }, "refuses": func(b *backend) { b.refuseWrites = true },
		"is slow": func(b *backend) { b.slow = time.Second },
	} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			b.set(func() { fail(b) })
			for range 10 {
				if first, err := s.Once(t.Context(), "key", time.Minute); first {
					t.Errorf("a back end that %s: first, %v", what, err)
				} else {
					wantError(t, "Once", err, keystore.ErrUnavailable)
				}
			}
		})
	}
}

func TestUsesAreNeverForgottenEarly(t *testing.T) {
	for ttl, kept := range map[time.Duration]time.Duration{
		1: time.Millisecond, time.Millisecond: time.Millisecond, time.Millisecond + 1: 2 * time.Millisecond,
		1500 * time.Microsecond: 2 * time.Millisecond, time.Minute: time.Minute,
		math.MaxInt64: (math.MaxInt64 - time.Millisecond).Truncate(time.Millisecond) + time.Millisecond,
	} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			if first, err := s.Once(t.Context(), "key", ttl); !first || err != nil {
				t.Fatalf("Once: %v, %v", first, err)
			}
			for name := range b.values {
				if _, left := b.stored(name); left != kept {
					t.Errorf("a use is remembered for %v, want %v", left, kept)
				}
				if !strings.HasPrefix(name, namespace+":1:") || strings.Contains(name, "key:") || len(name) > 120 {
					t.Errorf("a use has the name %q", name)
				}
			}
		})
	}
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		for _, ttl := range []time.Duration{0, -1} {
			if first, err := s.Once(t.Context(), "key", ttl); first || err == nil {
				t.Errorf("a time to live of %v: %v, %v", ttl, first, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Once(ctx, "key", time.Minute)
		wantError(t, "Once with an ended context", err, context.Canceled)
		if b.swaps != 0 {
			t.Errorf("%d calls reached the back end, want 0", b.swaps)
		}
	})
}

// Fleets that share a back end do not use up each other's keys.
func TestUsesAreOfOneFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		for i, s := range []*sealed.Store{
			newStore(t, b), newStore(t, b, sealed.WithNamespace("other")), newStoreWith(t, b, newSecrets(t, "second")),
		} {
			if first, err := s.Once(t.Context(), "key", time.Minute); !first || err != nil {
				t.Errorf("fleet %d: %v, %v", i, first, err)
			}
		}
	})
}
