package sealed_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// mustClaim claims and wants the lease.
func mustClaim(tb testing.TB, s *sealed.Store) keystore.Lease {
	tb.Helper()
	l, hold, err := s.TryLease(tb.Context(), theID)
	if err != nil || l == nil || hold != (keystore.Hold{}) {
		tb.Fatalf("a claim: granted is %v, %+v, %v", l != nil, hold, err)
	}
	return l
}

// wantHold claims in vain.
func wantHold(tb testing.TB, s *sealed.Store, want keystore.Hold) {
	tb.Helper()
	l, hold, err := s.TryLease(tb.Context(), theID)
	if err != nil || l != nil || hold != want {
		tb.Errorf("a claim: granted is %v, %+v, %v; want %+v", l != nil, hold, err, want)
	}
}

func end(tb testing.TB, l keystore.Lease, o keystore.Outcome, cooldown time.Duration) {
	tb.Helper()
	if err := l.End(tb.Context(), o, cooldown); err != nil {
		tb.Errorf("End: %v", err)
	}
}

func TestALeaseTellsWhoHoldsItAndForHowLong(t *testing.T) {
	for _, leftUnknown := range []bool{false, true} { // then it is told by the clock
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			b.leftUnknown = leftUnknown
			for o, cooldown := range map[keystore.Outcome]time.Duration{
				keystore.Useful: time.Second, keystore.Absent: 22 * time.Second,
				keystore.Failed: 10 * time.Minute, keystore.Abandoned: time.Second,
			} {
				time.Sleep(time.Second - time.Duration(time.Now().Nanosecond())) // leases keep milliseconds
				l := mustClaim(t, s)
				wantHold(t, s, keystore.Hold{Fetching: true, Left: 6 * time.Second})
				time.Sleep(4 * time.Second)
				wantHold(t, s, keystore.Hold{Fetching: true, Left: 2 * time.Second})
				end(t, l, o, cooldown)
				wantHold(t, s, keystore.Hold{Outcome: o, Left: cooldown})
				time.Sleep(cooldown - time.Millisecond)
				wantHold(t, s, keystore.Hold{Outcome: o, Left: time.Millisecond})
				time.Sleep(time.Millisecond)
			}
			mustClaim(t, s)
			time.Sleep(6 * time.Second)
			mustClaim(t, s)
			if n := s.Stats().LeasesTakenOver; n != 0 {
				t.Errorf("%d leases were taken over, want 0", n)
			}
		})
	}
}

func TestCooldownsAreBounded(t *testing.T) {
	for _, c := range []struct {
		o              keystore.Outcome
		cooldown, left time.Duration
	}{
		{keystore.Abandoned, time.Hour, time.Second},
		{keystore.Abandoned, 300 * time.Millisecond, 300 * time.Millisecond},
		{keystore.Failed, 1<<63 - 1, 24 * time.Hour},
		{keystore.Failed, 60 * 24 * time.Hour, 24 * time.Hour}, // more than 32 bits of milliseconds
		{keystore.Failed, 0, time.Millisecond},
		{keystore.Failed, -time.Hour, time.Millisecond},
	} {
		bubble(t, func(t *testing.T, _ *backend, s *sealed.Store) {
			end(t, mustClaim(t, s), c.o, c.cooldown)
			wantHold(t, s, keystore.Hold{Outcome: c.o, Left: c.left})
			time.Sleep(c.left)
			mustClaim(t, s)
		})
	}
}

func TestThereIsNoEndWithoutAnOutcome(t *testing.T) {
	bubble(t, func(t *testing.T, _ *backend, s *sealed.Store) {
		l := mustClaim(t, s)
		for _, o := range []keystore.Outcome{0, keystore.Abandoned + 1, 255} {
			if err := l.End(t.Context(), o, time.Second); err == nil {
				t.Errorf("a lease ended with outcome %d", o)
			}
		}
		wantHold(t, s, keystore.Hold{Fetching: true, Left: 6 * time.Second})
	})
}

// Whoever may write to the back end can put anything under the name of a lease. Nothing of it
// holds for long.
func TestWhatIsNoLeaseIsTakenOver(t *testing.T) {
	secrets := newSecrets(t, "first")
	for name, put := range map[string]func(t *testing.T, b *backend, s *sealed.Store, name string){
		"nothing but bytes": func(_ *testing.T, b *backend, _ *sealed.Store, name string) { b.put(name, []byte("held"), 0) },
		"an empty value":    func(_ *testing.T, b *backend, _ *sealed.Store, name string) { b.put(name, []byte{}, 0) },
		"no value at all":   func(_ *testing.T, b *backend, _ *sealed.Store, name string) { b.put(name, nil, 0) },
		"a wrong type":      func(_ *testing.T, b *backend, _ *sealed.Store, name string) { b.putWrongType(name) },
		"a lease of another fleet": func(t *testing.T, b *backend, _ *sealed.Store, name string) {
			b.put(name, sealed.SealLease(newSecrets(t, "second"), namespace, theID, 0, time.Now(), time.Hour), time.Hour)
		},
		"a lease of another key set": func(t *testing.T, b *backend, s *sealed.Store, name string) {
			if _, _, err := s.TryLease(t.Context(), otherID); err != nil {
				t.Fatal(err)
			}
			value, _ := b.stored(nameOf(t, s, otherID, "lease"))
			b.put(name, value, time.Hour)
		},
		"a changed outcome": func(_ *testing.T, b *backend, _ *sealed.Store, name string) {
			value := sealed.SealLease(secrets, namespace, theID, 0, time.Now(), time.Minute)
			value[4] = byte(keystore.Failed)
			b.put(name, value, time.Hour)
		},
		"an outcome that does not exist": func(_ *testing.T, b *backend, _ *sealed.Store, name string) {
			b.put(name, sealed.SealLease(secrets, namespace, theID, 77, time.Now(), time.Minute), time.Hour)
		},
		"a lease of the past": func(_ *testing.T, b *backend, _ *sealed.Store, name string) {
			b.put(name, sealed.SealLease(secrets, namespace, theID, 0, time.Now().Add(-3*time.Minute), 6*time.Second), time.Hour)
		},
		"a lease of the future": func(_ *testing.T, b *backend, _ *sealed.Store, name string) {
			b.put(name, sealed.SealLease(secrets, namespace, theID, 0, time.Now().Add(3*time.Minute), 6*time.Second), time.Hour)
		},
		"a lease of the first days": func(_ *testing.T, b *backend, _ *sealed.Store, name string) {
			b.put(name, sealed.SealLease(secrets, namespace, theID, 0, time.UnixMilli(-1<<62), 6*time.Second), time.Hour)
		},
	} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			put(t, b, s, nameOf(t, s, theID, "lease"))
			l, hold, err := s.TryLease(t.Context(), theID)
			if err != nil || l == nil {
				t.Errorf("%s holds: %+v, %v", name, hold, err)
				return
			}
			if n := s.Stats().LeasesTakenOver; n != 1 {
				t.Errorf("%s: %d leases were taken over, want 1", name, n)
			}
			wantHold(t, s, keystore.Hold{Fetching: true, Left: 6 * time.Second})
			end(t, l, keystore.Failed, time.Minute)
			wantHold(t, s, keystore.Hold{Outcome: keystore.Failed, Left: time.Minute})
		})
	}
}

// A lease or a cool-down that somebody recorded and puts back, or keeps from expiring, holds
// for its life and two minutes, which clocks may be apart; then never again.
func TestALeaseThatIsReplayedHoldsForMinutesAtMost(t *testing.T) {
	for _, immortal := range []bool{false, true} {
		for o, life := range map[keystore.Outcome]time.Duration{0: 6 * time.Second, keystore.Failed: 24 * time.Second} {
			bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
				name := nameOf(t, s, theID, "lease")
				began := time.Now()
				if l := mustClaim(t, s); o != 0 {
					end(t, l, o, life)
				}
				captured, _ := b.stored(name)
				replay := func() (granted bool, hold keystore.Hold) {
					b.put(name, captured, map[bool]time.Duration{false: time.Hour}[immortal])
					l, hold, err := s.TryLease(t.Context(), theID)
					if err != nil {
						t.Errorf("TryLease: %v", err)
					}
					return l != nil, hold
				}
				time.Sleep(life + 2*time.Minute - time.Second - time.Since(began))
				if granted, hold := replay(); granted || hold.Left > life || hold.Outcome != o {
					t.Errorf("before the end: granted is %v, %+v", granted, hold)
				}
				time.Sleep(2 * time.Second)
				for range 3 {
					if granted, hold := replay(); !granted {
						t.Errorf("a value of the past holds again: %+v", hold)
					}
					time.Sleep(time.Hour)
				}
			})
		}
	}
}

func TestLeasesUnderPreviousSecretsAreRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		before, after := newStoreWith(t, b, newSecrets(t, "old", "new")), newStoreWith(t, b, newSecrets(t, "new", "old"))
		for _, s := range [][2]*sealed.Store{{before, after}, {after, before}} {
			l := mustClaim(t, s[0])
			for _, who := range s {
				wantHold(t, who, keystore.Hold{Fetching: true, Left: 6 * time.Second})
			}
			end(t, l, keystore.Absent, 20*time.Second)
			for _, who := range s {
				wantHold(t, who, keystore.Hold{Outcome: keystore.Absent, Left: 20 * time.Second})
			}
			time.Sleep(20 * time.Second)
		}
	})
}

func TestAFailureIsNoLease(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		l := mustClaim(t, s)
		b.set(func() { b.down = true })
		if l, hold, err := s.TryLease(t.Context(), theID); l != nil || hold != (keystore.Hold{}) {
			t.Errorf("a claim while the back end is down: granted is %v, %+v, %v", l != nil, hold, err)
		} else {
			wantError(t, "TryLease", err, keystore.ErrUnavailable)
		}
		wantError(t, "End", l.End(t.Context(), keystore.Useful, time.Second), keystore.ErrUnavailable)
		b.set(func() { b.down = false })
		wantHold(t, s, keystore.Hold{Fetching: true, Left: 6 * time.Second})
	})
}

// fickle never has what it has just refused to replace.
type fickle struct{ *backend }

func (f fickle) Swap(context.Context, string, []byte, []byte, time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.swaps++
	return keystore.ErrConflict
}

func TestAClaimNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fickle{newBackend()}
		wantHold(t, newStore(t, f), keystore.Hold{Fetching: true, Left: 6 * time.Second})
		if f.swaps != 3 || f.gets != 3 {
			t.Errorf("a claim made %d and %d calls, want 3 and 3", f.swaps, f.gets)
		}
	})
}
