package keyring_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore/memory"
)

// The invariants of docs/keys.md, each with its number, in one process.

// mostWithin returns the greatest number of fetches in any span of that length.
func mostWithin(f *fakeIssuer, span time.Duration) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	most := 0
	for i, at := range f.fetches {
		n := 0
		for _, other := range f.fetches[i:] {
			if other.Sub(at) < span {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestInvariantI1ScheduledAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		const hours = 10
		for start := time.Now(); time.Since(start) < hours*time.Hour; time.Sleep(time.Second) {
			wantCode(t, s, "a", 0)
		}
		if n := f.count(); n < 13*hours || n > 15*hours {
			t.Errorf("%d attempts in %d calm hours, want 13 to 15 an hour", n, hours)
		}
		if n := mostWithin(f, time.Minute); n > 1 {
			t.Errorf("%d attempts within MinInterval", n)
		}
	})
}

// flood asks for made-up kids as fast as they are refused, ten a second at most.
func flood(t *testing.T, s *keyring.Source, d time.Duration, each func()) {
	t.Helper()
	i := 0
	for start := time.Now(); time.Since(start) < d; time.Sleep(100 * time.Millisecond) {
		i++
		if code := lookUp(t, s, fmt.Sprintf("made-up-%d", i)); code == 0 {
			t.Fatal("a made-up kid was found")
		}
		wantCode(t, s, "a", 0)
		if each != nil {
			each()
		}
	}
}

func TestInvariantI2Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		flood(t, s, 30*time.Minute, nil)
		if n := mostWithin(f, time.Minute); n > 4 {
			t.Errorf("%d attempts in one minute of a flood, want at most 4", n)
		}
	})
}

func TestInvariantI2FloodWithFlappingIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		i := 0
		flood(t, s, 30*time.Minute, func() {
			if i++; i%70 == 0 {
				f.change(func() {
					if f.err == nil {
						f.err = errDown
					} else {
						f.err = nil
					}
				})
			}
		})
		if n := mostWithin(f, time.Minute); n > 8 {
			t.Errorf("%d attempts in one minute, want at most 8", n)
		}
	})
}

func TestInvariantI3Outage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.fail(errDown)
		flood(t, s, 2*time.Hour, nil)
		if n := mostWithin(f, time.Minute); n > 4 {
			t.Errorf("%d attempts in one minute of an outage, want at most 4", n)
		}
	})
}

func TestInvariantI5NewKey(t *testing.T) {
	for phase := range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("old")
			s := source(t, f, keyring.Config{})
			wantCode(t, s, "old", 0)
			for end := time.Now().Add(time.Duration(phase) * 14 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
				wantCode(t, s, "old", 0)
			}
			f.publish("new")
			before := time.Now()
			wantCode(t, s, "new", 0)
			if waited := time.Since(before); waited > time.Second+2*f.latency {
				t.Errorf("phase %d: the first token waited %v, want at most 1 s and a fetch", phase, waited)
			}
		})
	}
}

func TestInvariantI6NewKeyUnderFlood(t *testing.T) {
	for phase := range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a")
			s := source(t, f, keyring.Config{})
			wantCode(t, s, "a", 0)
			flood(t, s, 30*time.Second+time.Duration(phase)*time.Second, nil)
			f.publish("a", "new")
			published := time.Now()
			for lookUp(t, s, "new") != 0 {
				flood(t, s, 200*time.Millisecond, nil)
				if time.Since(published) > 25*time.Second {
					t.Fatalf("phase %d: the new key is refused after 24 s of flood", phase)
				}
			}
		})
	}
}

func TestInvariantI7WithdrawnKey(t *testing.T) {
	for phase := range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a", "b")
			s := source(t, f, keyring.Config{})
			wantCode(t, s, "b", 0)
			for end := time.Now().Add(time.Duration(phase) * 14 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
				wantCode(t, s, "a", 0)
			}
			f.publish("a")
			withdrawn := time.Now()
			for lookUp(t, s, "b") == 0 {
				if time.Since(withdrawn) > 6*time.Minute {
					t.Fatalf("phase %d: still accepted", phase)
				}
				time.Sleep(time.Second)
			}
			f.publish() // the last one
			withdrawn = time.Now()
			for lookUp(t, s, "a") == 0 {
				if time.Since(withdrawn) > 8*time.Minute {
					t.Fatalf("phase %d: the last key is still accepted", phase)
				}
				time.Sleep(time.Second)
			}
		})
	}
}

func TestInvariantI8WithdrawnKeyInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{MaxStale: time.Hour})
		wantCode(t, s, "b", 0)
		f.fail(errDown)
		if err := s.Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, s, "b", keyring.Denied) // at once
		wantCode(t, s, "a", 0)
		start := time.Now()
		for lookUp(t, s, "a") == 0 {
			if time.Since(start) > time.Hour+time.Minute {
				t.Fatal("accepted beyond MaxStale")
			}
			time.Sleep(10 * time.Second)
		}
	})
}

func TestInvariantI9ColdStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		got := make(chan keyring.Code, 200)
		for range 200 {
			go func() { got <- lookUp(t, s, "a") }()
		}
		for range 200 {
			if code := <-got; code != 0 {
				t.Errorf("a cold request got %v", code)
			}
		}
		if f.count() != 1 || f.discovers != 1 {
			t.Errorf("%d fetches and %d discoveries, want one of each", f.count(), f.discovers)
		}
	})
}

func TestInvariantI10Outage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		store := memory.New()
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "a", 0)
		f.fail(errDown)
		for start := time.Now(); time.Since(start) < 23*time.Hour; time.Sleep(time.Minute) {
			wantCode(t, s, "a", 0)
		}
		wantCode(t, source(t, f, keyring.Config{}, store), "a", 0) // started in the outage
	})
}

func TestInvariantI13OlderAnswersNeverWin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		slow, quick := newFakeIssuer("old"), newFakeIssuer("new")
		slow.latency = 4 * time.Second
		one, other := source(t, slow, keyring.Config{}, store), source(t, quick, keyring.Config{}, store)
		done := make(chan struct{})
		go func() { _ = lookUp(t, one, "old"); close(done) }() // begins first, ends last
		time.Sleep(time.Second)
		wantCode(t, other, "new", 0)
		<-done
		synctest.Wait()
		rec, _, err := store.Load(context.Background(), issuerID)
		if err != nil {
			t.Fatal(err)
		}
		if want := document("new"); string(rec.Document) != string(want) {
			t.Error("the older answer replaced the newer one in the store")
		}
		time.Sleep(20 * time.Second)
		wantCode(t, one, "old", keyring.Unknown) // it has followed the store
	})
}

func TestInvariantI14NothingOutlivesItsSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		if err := s.Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			wantCode(t, s, "b", keyring.Denied)
		}
		f.change(func() { f.document = document("b") })
		time.Sleep(290 * time.Second)
		wantCode(t, s, "a", 0) // starts the refresh that withdraws it
		time.Sleep(time.Second)
		for range 1000 {
			wantCode(t, s, "b", keyring.Denied)
			if lookUp(t, s, "a") == 0 {
				t.Fatal("the withdrawn key was accepted")
			}
		}
	})
}
