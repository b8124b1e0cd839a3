package keyring_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
)

// A store that has lost its content gets the keys from a process that starts at that moment and
// knows of no denial. Those who do tell it.
func TestADenialComesBackToAStoreThatHasLostIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeIssuer("a", "b"), newRemote()
		fleet := newFleet(t, 3, r, f)
		allFind(t, fleet, "b")
		settle()
		if err := fleet[0].Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		settle()
		r.change(func() { clear(r.values) })
		late := newReplica(t, r, f, keyring.Config{})
		wantCode(t, late.Source, "a", 0)
		began := time.Now()
		for lookUp(t, late.Source, "b") == 0 {
			for _, s := range fleet {
				wantCode(t, s.Source, "b", keyring.Denied)
			}
			if time.Since(began) > 20*time.Second {
				t.Fatal("a process that started late accepts a revoked key for more than 20 s")
			}
			time.Sleep(time.Second)
		}
	})
}
