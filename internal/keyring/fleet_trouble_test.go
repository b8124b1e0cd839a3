package keyring_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
)

func TestInvariantI11Fleet(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*remote)
		alone bool // every replica has to ask for itself
	}{
		"down":   {func(r *remote) { r.down = true }, true},
		"hung":   {func(r *remote) { r.hung = true }, true},
		"full":   {func(r *remote) { r.full = true }, true},
		"forged": {func(*remote) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 32
				f, r := newFakeIssuer("a"), newRemote()
				fleet := newFleet(t, n, r, f)
				allFind(t, fleet, "a")
				settle()
				r.change(func() { c.spoil(r) })
				stop := make(chan struct{})
				if name == "forged" {
					go forge(r, stop)
				}
				before := f.count()
				serve(t, fleet, "a", time.Hour, 20*time.Second)
				close(stop)
				got, most := f.count()-before, 16
				if c.alone {
					most = 16 * n
				}
				if got < 10 || got > most {
					t.Errorf("%d attempts in an hour, want 10 to %d", got, most)
				}
				if !c.alone {
					return
				}
				before = f.count()
				floodFleet(t, fleet, 5*time.Minute)
				if got := f.count() - before; got > (5+3)*n {
					t.Errorf("%d attempts in five minutes of flood by %d replicas, want one a minute each", got, n)
				}
				r.change(func() { r.down, r.hung, r.full = false, false, false })
				time.Sleep(3 * time.Minute)
				allFind(t, fleet, "a")
				if n := mostWithin(f, time.Minute); n > 4 { // of all time; the count below is what matters
					before = f.count()
				}
				serve(t, fleet, "a", time.Hour, 20*time.Second)
				if got := f.count() - before; got > 17 {
					t.Errorf("%d attempts in the hour after the store came back, want those of a calm one", got)
				}
			})
		})
	}
}

// forge overwrites all that is stored, again and again.
func forge(r *remote, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Millisecond):
			for _, kind := range []string{"set", "lease"} {
				r.overwrite(kind, func([]byte) []byte { return []byte(rand.Text()) })
			}
		}
	}
}

// Very many replicas lose their store at one moment and refresh on their own for ten
// minutes, not all at once.
func TestInvariantI11Spread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = large
		f, r := newFakeIssuer("a"), newRemote()
		fleet := newFleet(t, n, r, f)
		allFind(t, fleet, "a")
		settle()
		r.change(func() { r.hung = true })
		serve(t, fleet, "a", 10*time.Minute, 15*time.Second)
		if most := mostWithin(f, time.Second); most > n/15 {
			t.Errorf("%d attempts in one second by %d replicas", most, n)
		}
		if got := f.count(); got > 3*n {
			t.Errorf("%d attempts in ten minutes, want at most one at each refresh point of %d replicas", got, n)
		}
	})
}

// The store is wiped: whoever looks first puts back what it has, and nobody asks the issuer.
func TestAWipedStoreIsHealed(t *testing.T) {
	for name, wipe := range map[string]func(*remote){
		"wiped":   func(r *remote) { r.change(func() { clear(r.values) }) },
		"garbage": func(r *remote) { r.overwrite("set", func([]byte) []byte { return []byte("garbage") }) },
		"flipped": func(r *remote) {
			r.overwrite("set", func(old []byte) []byte { old[40] ^= 1; return old })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, r := newFakeIssuer("a"), newRemote()
				fleet := newFleet(t, 32, r, f)
				allFind(t, fleet, "a")
				settle()
				was := r.stored("set")
				time.Sleep(time.Minute)
				wipe(r)
				serve(t, fleet, "a", 30*time.Second, time.Second)
				if is := r.stored("set"); len(is) != 1 || !slices.Equal(is[0], was[0]) {
					t.Error("the record was not put back as it was")
				}
				wantFetches(t, f, 1)
				allFind(t, []*replica{newReplica(t, r, f, keyring.Config{})}, "a")
				wantFetches(t, f, 1)
			})
		})
	}
}

func TestInvariantI13Fleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, slow, quick := newRemote(), newFakeIssuer("old"), newFakeIssuer("new")
		slow.latency = 4 * time.Second
		one, other := newReplica(t, r, slow, keyring.Config{}), newReplica(t, r, quick, keyring.Config{})
		done := make(chan struct{})
		go func() { _ = lookUp(t, one.Source, "old"); close(done) }() // begins first, ends last
		time.Sleep(time.Second)
		r.change(func() { // its lease is lost, so that there are two holders
			for name := range r.values {
				delete(r.values, name)
			}
		})
		wantCode(t, other.Source, "new", 0)
		<-done
		time.Sleep(5 * time.Second)
		synctest.Wait()
		wantCode(t, other.Source, "new", 0)
		wantCode(t, other.Source, "old", keyring.Unknown)
		rec, _, err := other.store.Load(context.Background(), issuerID)
		if err != nil || string(rec.Document) != string(document("new")) {
			t.Errorf("the older answer is in the store: %v", err)
		}
		wantCode(t, one.Source, "new", 0)
	})
}

// Records of the past are put back, in the store and by announcements, over and over.
func TestInvariantI16Replays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeIssuer("a", "b"), newRemote()
		fleet := newFleet(t, 32, r, f)
		allFind(t, fleet, "b")
		settle()
		old := r.stored("set")[0]
		time.Sleep(time.Minute)
		if err := fleet[0].Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		f.publish("a", "new")
		time.Sleep(30 * time.Second)
		allFind(t, fleet, "new")
		for range 400 {
			r.overwrite("set", func([]byte) []byte { return old })
			time.Sleep(50 * time.Millisecond)
			each(fleet, func(_ int, s *replica) {
				wantCode(t, s.Source, "new", 0)
				wantCode(t, s.Source, "b", keyring.Denied)
			})
		}
		// A replica that starts now is shown the past, until the next refresh at the latest.
		late := newReplica(t, r, f, keyring.Config{})
		time.Sleep(5 * time.Minute)
		for lookUp(t, late.Source, "new") != 0 || lookUp(t, late.Source, "b") == 0 {
			t.Fatal("a replica that was shown an old record has not caught up after RefreshInterval")
		}
	})
}

// What one replica suspects, the others need not see twice.
func TestSuspicionIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		fleet := newFleet(t, fleetSize, newRemote(), f)
		allFind(t, fleet, "a")
		f.publish()
		wantRefused(t, fleet, "a", 8*time.Minute)
		if n := mostWithin(f, time.Minute); n > 4 {
			t.Errorf("%d attempts in a minute", n)
		}
	})
}
