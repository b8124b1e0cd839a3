package sealed_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// hang has four calls take all turns until release is called.
func hang(t *testing.T, b *backend, s *sealed.Store) (release func()) {
	t.Helper()
	stuck := make(chan struct{})
	b.set(func() { b.hang = stuck })
	for range 4 {
		go func() { _ = load(t, s) }()
	}
	synctest.Wait()
	return func() {
		b.set(func() { b.hang = nil })
		close(stuck)
	}
}

func TestWhoWaitsForATurnMayLeave(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		release := hang(t, b, s)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, _, err := s.Load(ctx, theID)
		wantError(t, "Load", err, context.DeadlineExceeded)
		if took := time.Since(began); took != 10*time.Millisecond {
			t.Errorf("it returned after %v, want 10ms", took)
		}
		release()
	})
}

// A client may block for much longer than the store: until it lets go, nobody waits for it
// again.
func TestNobodyWaitsForATurnDuringARest(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		release := hang(t, b, s)
		time.Sleep(time.Minute)
		for range 10 {
			began := time.Now()
			wantError(t, "Load", load(t, s), keystore.ErrUnavailable)
			if took := time.Since(began); took != 0 {
				t.Errorf("it returned after %v, want at once", took)
			}
		}
		if n := b.read(&b.gets); n != 4 {
			t.Errorf("%d calls, want the 4 that hang", n)
		}
		release()
		synctest.Wait()
		wantError(t, "Load after the client let go", load(t, s), keystore.ErrNotFound)
	})
}

// A turn that comes when the back end has been given a rest is not taken.
func TestATurnThatComesDuringARestIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		release := hang(t, b, s)
		time.Sleep(50 * time.Millisecond)
		waiting := make(chan error)
		go func() { waiting <- load(t, s) }()
		time.Sleep(70 * time.Millisecond) // at 100 ms the four have failed
		release()
		wantError(t, "Load", <-waiting, keystore.ErrUnavailable)
		if n := b.read(&b.gets); n != 4 {
			t.Errorf("%d calls, want the 4 that hung", n)
		}
	})
}

func TestFailuresAtTheSameMomentAreOne(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.set(func() { b.down, b.slow = true, 10*time.Millisecond })
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _ = load(t, s) })
		}
		wg.Wait()
		b.set(func() { b.down, b.slow = false, 0 })
		time.Sleep(301 * time.Millisecond)
		wantError(t, "Load after the first rest", load(t, s), keystore.ErrNotFound)
	})
}
