package keyring_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
)

// The invariants of docs/keys.md, each with its number, over a fleet that shares one store.

const fleetSize = 32

func TestInvariantI1Fleet(t *testing.T) {
	for _, c := range []struct {
		n, hours int
		every    time.Duration // between two verifications of one replica
	}{{1, 4, 5 * time.Second}, {50, 1, 20 * time.Second}, {large, 1, 2 * time.Minute}} {
		t.Run(fmt.Sprint(c.n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIssuer("a")
				fleet := newFleet(t, c.n, newRemote(), f)
				allFind(t, fleet, "a")
				wantFetches(t, f, 1)
				serve(t, fleet, "a", time.Duration(c.hours)*time.Hour, c.every)
				if n := f.count() - 1; n < 13*c.hours-1 || n > 15*c.hours {
					t.Errorf("%d attempts in %d calm hours, want 13 to 15 an hour", n, c.hours)
				}
				if n := mostWithin(f, time.Minute); n > 1 {
					t.Errorf("%d attempts within MinInterval", n)
				}
			})
		})
	}
}

// floodFleet sends made-up kids to every replica, some twice a second, and one good token
// with each.
func floodFleet(t *testing.T, fleet []*replica, d time.Duration) {
	t.Helper()
	var made atomic.Int64
	each(fleet, func(i int, s *replica) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500*time.Millisecond + time.Duration(i)*time.Millisecond) {
			if code := lookUp(t, s.Source, fmt.Sprintf("made-up-%d", made.Add(1))); code == 0 {
				t.Error("a made-up kid was found")
			}
			if code := lookUp(t, s.Source, "a"); code != 0 {
				t.Errorf("replica %d: the good key: %v", i, code)
			}
		}
	})
}

func TestInvariantI2Fleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		fleet := newFleet(t, fleetSize, newRemote(), f)
		allFind(t, fleet, "a")
		floodFleet(t, fleet, 10*time.Minute)
		if n := mostWithin(f, time.Minute); n > 4 {
			t.Errorf("%d attempts in one minute of a flood, want at most 4", n)
		}
	})
}

func TestInvariantI2FleetWithFlappingIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		fleet := newFleet(t, fleetSize, newRemote(), f)
		allFind(t, fleet, "a")
		stop := make(chan struct{})
		go func() {
			for down := false; ; down = !down {
				select {
				case <-stop:
					return
				case <-time.After(7 * time.Second):
					f.change(func() {
						if f.err = nil; !down {
							f.err = errDown
						}
					})
				}
			}
		}()
		floodFleet(t, fleet, 10*time.Minute)
		close(stop)
		if n := mostWithin(f, time.Minute); n > 8 {
			t.Errorf("%d attempts in one minute, want at most 8", n)
		}
	})
}

func TestInvariantI3Fleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		fleet := newFleet(t, fleetSize, newRemote(), f)
		allFind(t, fleet, "a")
		f.fail(errDown)
		floodFleet(t, fleet, 10*time.Minute)
		if n := mostWithin(f, time.Minute); n > 4 {
			t.Errorf("%d attempts in one minute of an outage, want at most 4", n)
		}
		f.fail(nil)
		f.publish("a", "new")
		time.Sleep(time.Minute)
		allFind(t, fleet, "new") // and it ends
	})
}

func TestInvariantI5Fleet(t *testing.T) {
	for phase := range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a")
			fleet := newFleet(t, fleetSize, newRemote(), f)
			allFind(t, fleet, "a")
			serve(t, fleet, "a", time.Duration(phase)*14*time.Second, 10*time.Second)
			f.publish("a", "new")
			began, before := time.Now(), f.count()
			allFind(t, fleet[:1], "new")
			if d := time.Since(began); d > time.Second+2*f.latency {
				t.Errorf("phase %d: the first token waited %v", phase, d)
			}
			allFind(t, fleet, "new")
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("phase %d: all replicas took %v, want at most 5 s", phase, d)
			}
			if n := f.count() - before; n > 2 {
				t.Errorf("phase %d: %d fetches for one new key", phase, n)
			}
		})
	}
}

// All replicas meet the new key at one moment, right after a fetch: one asks for all.
func TestOneFetchForAFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		fleet := newFleet(t, large, newRemote(), f)
		allFind(t, fleet, "a")
		wantFetches(t, f, 1)
		time.Sleep(25 * time.Second)
		f.publish("a", "new")
		allFind(t, fleet, "new")
		wantFetches(t, f, 2)
	})
}

func TestInvariantI6Fleet(t *testing.T) {
	for phase := range 6 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a")
			fleet := newFleet(t, fleetSize, newRemote(), f)
			allFind(t, fleet, "a")
			floodFleet(t, fleet, 30*time.Second+4*time.Duration(phase)*time.Second)
			f.publish("a", "new")
			published := time.Now()
			for left := fleet; len(left) > 0; {
				floodFleet(t, fleet, 500*time.Millisecond)
				var still []*replica
				for _, s := range left {
					if lookUp(t, s.Source, "new") != 0 {
						still = append(still, s)
					}
				}
				if left = still; time.Since(published) > 26*time.Second {
					t.Fatalf("phase %d: %d replicas refuse the new key after 24 s of flood and a fetch", phase, len(left))
				}
			}
		})
	}
}

// wantRefused waits until every replica refuses a kid.
func wantRefused(t *testing.T, fleet []*replica, kid string, within time.Duration) {
	t.Helper()
	begun := time.Now()
	each(fleet, func(i int, s *replica) {
		for lookUp(t, s.Source, kid) == 0 {
			if time.Since(begun) > within {
				t.Errorf("replica %d accepts %q after %v", i, kid, within)
				return
			}
			time.Sleep(500 * time.Millisecond)
		}
	})
}

func TestInvariantI7Fleet(t *testing.T) {
	for phase := range 3 {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a", "b")
			fleet := newFleet(t, fleetSize, newRemote(), f)
			allFind(t, fleet, "b")
			serve(t, fleet, "a", 2*time.Duration(phase)*time.Minute, 10*time.Second)
			f.publish("a")
			wantRefused(t, fleet, "b", 6*time.Minute)
			f.publish() // the last one
			wantRefused(t, fleet, "a", 8*time.Minute)
		})
	}
}

func TestInvariantI8Fleet(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f, r := newFakeIssuer("a", "b"), newRemote()
			fleet := newFleet(t, fleetSize, r, f)
			allFind(t, fleet, "b")
			settle()
			f.fail(errDown)
			r.change(func() { r.deaf = deaf })
			if err := fleet[7].Revoke(t.Context(), "b"); err != nil {
				t.Fatal(err)
			}
			within := 20 * time.Second
			if !deaf {
				within = time.Second
			}
			wantRefused(t, fleet, "b", within)
			allFind(t, fleet, "a")
			wantCode(t, newReplica(t, r, f, keyring.Config{}).Source, "b", keyring.Denied) // started later
		})
	}
}

func TestInvariantI9Fleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		f.latency = 400 * time.Millisecond
		fleet := newFleet(t, 50, newRemote(), f)
		each(fleet, func(_ int, s *replica) {
			same := make([]*replica, 200)
			for i := range same {
				same[i] = s
			}
			allFind(t, same, "a")
		})
		if f.count() != 1 || f.discovers != 1 {
			t.Errorf("%d fetches and %d discoveries by 50 replicas, want one of each", f.count(), f.discovers)
		}
	})
}

func TestInvariantI10Fleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeIssuer("a"), newRemote()
		fleet := newFleet(t, 32, r, f)
		allFind(t, fleet, "a")
		f.fail(errDown)
		for range 23 {
			serve(t, fleet, "a", 55*time.Minute, 5*time.Minute)
			allFind(t, []*replica{newReplica(t, r, f, keyring.Config{})}, "a") // started in the outage
		}
	})
}

// A purge by one replica makes all forget what they have until the issuer has confirmed it,
// once for all of them, and the cool-down of a flood does not stop it.
func TestPurgeReachesTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		fleet := newFleet(t, fleetSize, newRemote(), f)
		allFind(t, fleet, "a")
		time.Sleep(30 * time.Second)
		wantCode(t, fleet[3].Source, "made-up", keyring.Unknown) // the fleet cools down now
		f.publish("b")
		before := f.count()
		if err := fleet[9].Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		allFind(t, fleet, "b")
		each(fleet, func(_ int, s *replica) { wantCode(t, s.Source, "a", keyring.Unknown) })
		if n := f.count() - before; n > 2 {
			t.Errorf("%d fetches after a purge", n)
		}
	})
}
