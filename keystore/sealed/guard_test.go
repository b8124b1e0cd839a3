package sealed_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// bubble runs a test in virtual time with a store over an announcing back end.
func bubble(t *testing.T, run func(t *testing.T, b *backend, s *sealed.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		run(t, b, newStore(t, announcing{b}))
	})
}

// operations are all calls that wait for the back end.
func operations(s *sealed.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Load":     func(ctx context.Context) error { _, _, err := s.Load(ctx, theID); return err },
		"Save":     func(ctx context.Context) error { _, err := s.Save(ctx, theID, record(), ""); return err },
		"TryLease": func(ctx context.Context) error { _, _, err := s.TryLease(ctx, theID); return err },
		"Inspect":  func(ctx context.Context) error { _, err := s.Inspect(ctx, theID); return err },
		"Once":     func(ctx context.Context) error { _, err := s.Once(ctx, "key", time.Minute); return err },
	}
}

func TestEveryCallReturnsInTimeWhateverHangs(t *testing.T) {
	for name := range operations(nil) {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			b.hang = make(chan struct{})
			defer close(b.hang)
			call := operations(s)[name]
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					began := time.Now()
					wantError(t, name, call(t.Context()), keystore.ErrUnavailable)
					if took := time.Since(began); took > 100*time.Millisecond {
						t.Errorf("%s returned after %v", name, took)
					}
				})
			}
			wg.Wait()
			if want := map[bool]int{false: 4, true: 64}[name == "Once"]; b.read(&b.mostInFlight) != want {
				t.Errorf("%d calls of %s were under way, want %d", b.mostInFlight, name, want)
			}
			if !s.Stats().Resting {
				t.Errorf("after %s nobody noticed that the back end hangs", name)
			}
		})
	}
}

func TestTheTimeoutIsAnOption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		s := newStore(t, b, sealed.WithTimeout(3*time.Second))
		b.set(func() { b.slow = 2 * time.Second })
		wantError(t, "Load", load(t, s), keystore.ErrNotFound)
		b.set(func() { b.slow = 4 * time.Second })
		began := time.Now()
		wantError(t, "Load", load(t, s), keystore.ErrUnavailable)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Load returned after %v, want 3s", took)
		}
	})
}

func TestCallsWaitForTheirTurn(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.set(func() { b.slow = 10 * time.Millisecond })
		var wg sync.WaitGroup
		for range 40 { // ten turns, the last of which ends at 100 ms
			wg.Go(func() {
				if err := load(t, s); !errors.Is(err, keystore.ErrNotFound) && !errors.Is(err, keystore.ErrUnavailable) {
					t.Errorf("Load: %v", err)
				}
			})
		}
		wg.Wait()
		if b.read(&b.mostInFlight) != 4 || b.read(&b.gets) < 36 {
			t.Errorf("%d calls, %d at most under way; want 36 or more, 4", b.gets, b.read(&b.mostInFlight))
		}
	})
}

// Neither those who get no turn nor those whose turn comes too late say anything about the
// back end: it answers, if slowly.
func TestABusyStoreIsNotGivenARest(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.set(func() { b.slow = 90 * time.Millisecond })
		var answers, turnedAway atomic.Int64
		for range 10 {
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					switch err := load(t, s); {
					case errors.Is(err, keystore.ErrNotFound):
						answers.Add(1)
					case errors.Is(err, keystore.ErrUnavailable):
						turnedAway.Add(1)
					}
				})
			}
			wg.Wait()
			if s.Stats().Resting {
				t.Fatal("a store with too many calls rests")
			}
		}
		if answers.Load() != 40 || turnedAway.Load() != 360 {
			t.Errorf("%d calls were answered and %d turned away, want 40 and 360", answers.Load(), turnedAway.Load())
		}
	})
}

func TestThreeFailuresOpenAndOneProbeCloses(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		for range 2 { // once more after it has closed
			b.set(func() { b.down, b.gets = true, 0 })
			for range 10 {
				wantError(t, "Load", load(t, s), keystore.ErrUnavailable)
			}
			if b.read(&b.gets) != 3 || !s.Stats().Resting {
				t.Fatalf("%d calls reached a back end that fails, want 3", b.read(&b.gets))
			}
			time.Sleep(199 * time.Millisecond)
			if _ = load(t, s); b.read(&b.gets) != 3 {
				t.Error("the rest was shorter than 250 ms less a fifth")
			}
			time.Sleep(101 * time.Millisecond)
			b.set(func() { b.down, b.slow, b.gets = false, 50*time.Millisecond, 0 })
			var wg sync.WaitGroup
			for range 10 { // one finds out, the others do not wait for it
				wg.Go(func() { _ = load(t, s) })
			}
			wg.Wait()
			if b.read(&b.gets) != 1 || s.Stats().Resting {
				t.Errorf("%d calls found out that the back end works again, want 1", b.read(&b.gets))
			}
			b.set(func() { b.slow = 0 })
			wantError(t, "Load", load(t, s), keystore.ErrNotFound)
		}
	})
}

func TestRestsDoubleToFiveSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.set(func() { b.down = true })
		for range 3 {
			_ = load(t, s)
		}
		const step = 5 * time.Millisecond
		last, lengths := time.Now(), map[time.Duration]bool{}
		for i, ms := range []int{250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000} {
			want := time.Duration(ms) * time.Millisecond
			for before := b.read(&b.gets); b.read(&b.gets) == before; time.Sleep(step) {
				_ = load(t, s)
			}
			rest := time.Since(last) - step
			last = last.Add(rest)
			lengths[rest] = true
			if rest < want*4/5 || rest > want*6/5+step {
				t.Errorf("rest %d lasted %v, want %v give or take a fifth", i, rest, want)
			}
		}
		if len(lengths) < 8 {
			t.Errorf("the rests lasted %v: a fleet would knock at the same moment", lengths)
		}
		b.set(func() { b.down = false })
		time.Sleep(6 * time.Second)
		wantError(t, "Load", load(t, s), keystore.ErrNotFound)
		b.set(func() { b.down = true })
		for range 3 {
			_ = load(t, s)
		}
		time.Sleep(301 * time.Millisecond)
		b.set(func() { b.down = false })
		wantError(t, "Load 300 ms after it failed again", load(t, s), keystore.ErrNotFound)
	})
}

// An answer that somebody does not like is an answer.
func TestAnswersDoNotOpen(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, b *backend, s *sealed.Store){
		"refusals": func(_ *testing.T, b *backend, _ *sealed.Store) { b.refuseWrites = true },
		"absences": func(*testing.T, *backend, *sealed.Store) {},
		"forgeries": func(t *testing.T, b *backend, s *sealed.Store) {
			b.put(nameOf(t, s, theID, "set"), []byte("forged"), 0)
			b.putWrongType(nameOf(t, s, theID, "lease"))
		},
	} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			prepare(t, b, s)
			for range 10 {
				for _, call := range operations(s) {
					_ = call(t.Context())
				}
				if s.Stats().Resting {
					t.Fatalf("%s are taken for failures", name)
				}
			}
			if b.refuseWrites {
				_, err := s.Save(t.Context(), theID, record(), "")
				wantError(t, "Save that is refused", err, keystore.ErrUnavailable)
				wantError(t, "Save that is refused", err, sealed.ErrRefused)
			}
		})
	}
}

func TestACallerThatLeavesSaysNothing(t *testing.T) {
	for _, ignores := range []bool{false, true} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			for _, call := range operations(s) {
				for range 4 {
					if ignores {
						b.set(func() { b.hang = make(chan struct{}) })
					} else {
						b.set(func() { b.slow = time.Hour })
					}
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
					began := time.Now()
					wantError(t, "a call that is left", call(ctx), context.DeadlineExceeded)
					if took := time.Since(began); took != 10*time.Millisecond {
						t.Errorf("it returned after %v, want 10ms", took)
					}
					cancel()
					if ignores {
						close(b.hang)
					}
					synctest.Wait()
				}
			}
			if s.Stats().Resting {
				t.Error("callers that left are taken for failures of the back end")
			}
		})
	}
}

// A probe that is left has found out nothing; the next call is one.
func TestAProbeThatIsLeftIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.set(func() { b.down = true })
		for range 3 {
			_ = load(t, s)
		}
		time.Sleep(301 * time.Millisecond)
		b.set(func() { b.down, b.slow = false, time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _, err := s.Load(ctx, theID)
		wantError(t, "Load", err, context.DeadlineExceeded)
		b.set(func() { b.slow = 0 })
		wantError(t, "the next Load", load(t, s), keystore.ErrNotFound)
	})
}

func TestACallThatEndsItsGoroutineIsAFailure(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.set(func() { b.quits = true })
		began := time.Now()
		wantError(t, "Load", load(t, s), keystore.ErrUnavailable)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v to notice", took)
		}
	})
}

// What is announced is only faster; if it hangs, records and leases must not.
func TestAnnouncementsThatHangHoldUpNothingElse(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.hangPublish = make(chan struct{})
		defer close(b.hangPublish)
		v := keystore.Version("")
		for i := range 20 {
			rec := record()
			rec.Epoch = uint64(i)
			v = mustSave(t, s, rec, v)
			mustLoad(t, s)
		}
		if b.read(&b.publishes) > 10 || s.Stats().Resting {
			t.Errorf("%d announcements were tried, and the store rests: %v", b.publishes, s.Stats().Resting)
		}
	})
}
