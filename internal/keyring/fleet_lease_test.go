package keyring_test

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
)

// Somebody holds the lease for ever: with values of his own, with ones of the past, with one
// that never ends.
func TestAPinnedLeaseCostsAMinute(t *testing.T) {
	for _, kind := range []string{"forged", "replayed"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, r := newFakeIssuer("a"), newRemote()
				fleet := newFleet(t, 32, r, f)
				f.latency = 2 * time.Second
				captured := make(chan [][]byte, 1)
				go func() { time.Sleep(time.Second); captured <- r.stored("lease") }()
				allFind(t, fleet[:1], "a")
				f.change(func() { f.latency = 50 * time.Millisecond })
				held := (<-captured)[0]
				time.Sleep(time.Minute)
				f.publish("a", "new")
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(20 * time.Millisecond):
							r.overwrite("lease", func([]byte) []byte {
								if kind == "forged" {
									return []byte(rand.Text())
								}
								return held
							})
						}
					}
				}()
				began := time.Now()
				for lookUp(t, fleet[5].Source, "new") != 0 {
					if time.Since(began) > 80*time.Second {
						t.Fatal("the new key is not found after a minute")
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}

func TestInvariantI17Fleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, broken, healthy := newRemote(), newFakeIssuer("a"), newFakeIssuer("a")
		broken.fail(errDown)
		bad := newReplica(t, r, broken, keyring.Config{})
		fleet := newFleet(t, 49, r, healthy)
		_ = lookUp(t, bad.Source, "a") // it is first, and fails
		time.Sleep(25 * time.Second)
		allFind(t, fleet, "a")
		for cycle := range 3 {
			for end := time.Now().Add(6 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
				wantCode(t, bad.Source, "a", 0) // always first
				each(fleet, func(i int, s *replica) {
					wantCode(t, s.Source, "a", 0)
					if h := s.Health(); h.Age > 6*time.Minute {
						t.Errorf("replica %d has keys of %v", i, h.Age)
					}
				})
			}
			kid := "new" + string(rune('0'+cycle))
			healthy.publish("a", kid)
			published := time.Now()
			_ = lookUp(t, bad.Source, kid)
			each(fleet, func(i int, s *replica) {
				for lookUp(t, s.Source, kid) != 0 {
					if time.Since(published) > 25*time.Second {
						t.Errorf("cycle %d: replica %d has no new key after 24 s and a fetch", cycle, i)
						return
					}
					time.Sleep(200 * time.Millisecond)
				}
			})
			wantCode(t, bad.Source, kid, 0) // it lives off the others
		}
	})
}

// A replica that is closed in the middle of an attempt does not make the others wait.
func TestAnAbandonedLeaseIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, slow, quick := newRemote(), newFakeIssuer("a"), newFakeIssuer("a")
		slow.latency = 4 * time.Second
		one, other := newReplica(t, r, slow, keyring.Config{}), newReplica(t, r, quick, keyring.Config{})
		go func() { _ = lookUp(t, one.Source, "a") }()
		time.Sleep(time.Second)
		one.ring.Close()
		began := time.Now()
		wantCode(t, other.Source, "a", 0)
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("the other waited %v for a replica that is gone", d)
		}
	})
}

// A store that does not hear that an attempt has ended makes nobody wait for a new key longer
// than it takes to tell it again.
func TestALeaseIsEndedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeIssuer("a"), newRemote()
		fleet := newFleet(t, 8, r, f)
		allFind(t, fleet, "a")
		time.Sleep(time.Minute)
		f.publish("a", "b")
		r.change(func() { r.lostEnds = 1 })
		allFind(t, fleet[:1], "b")
		time.Sleep(2 * time.Second)
		f.publish("a", "b", "c")
		began := time.Now()
		allFind(t, fleet[1:], "c")
		if d := time.Since(began); d > time.Second {
			t.Errorf("a new key was found after %v", d)
		}
		if r.lostEnds != 0 {
			t.Error("no lease was ended")
		}
	})
}
