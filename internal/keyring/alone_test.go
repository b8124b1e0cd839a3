package keyring_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
)

// A store that was away for a moment, in which made-up kids came, makes each process hold back
// for a minute and more. Once it is back, the fleet holds back no longer than it would with it.
func TestAStoreThatIsBackOpensTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeIssuer("a"), newRemote()
		fleet := newFleet(t, 8, r, f)
		allFind(t, fleet, "a")
		time.Sleep(30 * time.Second)
		r.change(func() { r.down = true })
		floodFleet(t, fleet, 5*time.Second)
		r.change(func() { r.down = false })
		for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
			for _, s := range fleet {
				wantCode(t, s.Source, "a", 0)
			}
		}
		before := f.count()
		f.publish("a", "new")
		began := time.Now()
		each(fleet, func(i int, s *replica) {
			for lookUp(t, s.Source, "new") != 0 {
				if time.Since(began) > 5*time.Second {
					t.Errorf("replica %d does not find the new key", i)
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
		})
		if n := f.count() - before; n > 2 {
			t.Errorf("%d fetches for one new key", n)
		}
		wantCode(t, fleet[0].Source, "made-up", keyring.Unknown)
	})
}
