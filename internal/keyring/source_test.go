package keyring_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
)

func TestColdRequestsShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		var failed atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if lookUp(t, s, "a") != 0 {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if failed.Load() > 0 {
			t.Errorf("%d of 200 cold requests failed", failed.Load())
		}
		wantFetches(t, f, 1)
	})
}

func TestColdRequestsBeyondTheLimitAreBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{MaxWaiters: 10})
		var ok, busy atomic.Int64
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				switch lookUp(t, s, "a") {
				case 0:
					ok.Add(1)
				case keyring.Busy:
					busy.Add(1)
				}
			})
		}
		wg.Wait()
		if ok.Load() != 10 || busy.Load() != 20 {
			t.Errorf("%d served, %d busy; want 10 and 20", ok.Load(), busy.Load())
		}
	})
}

func TestColdOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		f.fail(errDown)
		s := source(t, f, keyring.Config{})
		code, retry := lookUpContext(t.Context(), s, "a")
		if code != keyring.Unavailable || retry < 15*time.Second || retry > 24*time.Second {
			t.Errorf("%v, retry after %v; want unavailable and the rest of the cool-down", code, retry)
		}
		for range 100 { // in the cool-down nobody asks and nobody waits
			before := time.Now()
			wantCode(t, s, "a", keyring.Unavailable)
			if waited := time.Since(before); waited > 0 {
				t.Fatalf("waited %v in the cool-down", waited)
			}
		}
		wantFetches(t, f, 1)
		f.fail(nil)
		time.Sleep(retry)
		wantCode(t, s, "a", 0)
		wantFetches(t, f, 2)
	})
}

func TestColdWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		f.change(func() { f.hang = make(chan struct{}) })
		s := source(t, f, keyring.Config{})
		before := time.Now()
		wantCode(t, s, "a", keyring.Unavailable)
		if waited := time.Since(before); waited != 3*time.Second {
			t.Errorf("waited %v, want ColdWait", waited)
		}
		f.change(func() { close(f.hang); f.hang = nil })
		synctest.Wait()
		wantCode(t, s, "a", 0) // the attempt outlived its caller
		wantFetches(t, f, 1)
	})
}

func TestCallerLeavesOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		f.latency = time.Second
		s := source(t, f, keyring.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan keyring.Code, 1)
		stayed := make(chan keyring.Code, 1)
		go func() { code, _ := lookUpContext(ctx, s, "a"); left <- code }()
		synctest.Wait()
		go func() { stayed <- lookUp(t, s, "a") }()
		synctest.Wait()
		cancel()
		if code := <-left; code != keyring.Canceled {
			t.Errorf("the caller that left got %v", code)
		}
		if code := <-stayed; code != 0 {
			t.Errorf("the caller that stayed got %v", code)
		}
		wantFetches(t, f, 1)
	})
}

func TestUnpromisingTokensCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		for range 12 {
			if _, _, err := s.Key(t.Context(), time.Now(), jws.EdDSA, "x", false); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(30 * time.Second)
		}
		settle()
		wantFetches(t, f, 1+1) // the first keys, and their refresh
	})
}

func TestRotationIsSeenWithTheFirstToken(t *testing.T) {
	for phase := range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("old")
			s := source(t, f, keyring.Config{})
			wantCode(t, s, "old", 0)
			time.Sleep(time.Duration(phase) * 15 * time.Second)
			f.publish("old", "new")
			before := time.Now()
			wantCode(t, s, "new", 0)
			if waited := time.Since(before); waited > time.Second+2*f.latency {
				t.Errorf("phase %d: the first token waited %v", phase, waited)
			}
			wantCode(t, s, "old", 0)
		})
	}
}

func TestFloodOfUnknownKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		time.Sleep(2 * time.Second)
		for i := range 1000 {
			wantCode(t, s, fmt.Sprintf("random-%d", i), keyring.Unknown)
			wantCode(t, s, "a", 0)
		}
		wantFetches(t, f, 2)
		f.publish("a", "new")
		wantCode(t, s, "new", keyring.Unknown) // the price of the flood …
		time.Sleep(24 * time.Second)
		wantCode(t, s, "new", 0) // … and its bound
	})
}

func TestUnknownKidInAnOutageIsUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		time.Sleep(2 * time.Second)
		f.fail(errDown)
		for range 50 {
			wantCode(t, s, "b", keyring.Undecided)
			wantCode(t, s, "a", 0)
		}
		wantFetches(t, f, 2)
	})
}

// A waiter that joined an attempt older than itself asks once more.
func TestJoinedAttemptMayBeTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		time.Sleep(290 * time.Second) // due
		f.change(func() { f.hang = make(chan struct{}) })
		wantCode(t, s, "a", 0) // starts the refresh
		synctest.Wait()
		time.Sleep(100 * time.Millisecond)
		got := make(chan keyring.Code, 1)
		go func() { got <- lookUp(t, s, "b") }()
		synctest.Wait()
		f.change(func() { close(f.hang); f.hang = nil }) // answers what it had: no b
		synctest.Wait()
		f.publish("a", "b")
		if code := <-got; code != 0 {
			t.Errorf("the new key: %v", code)
		}
		wantFetches(t, f, 3)
	})
}
