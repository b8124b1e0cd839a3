package keyring_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
)

// Many tenants come and go within a minute. Those that are used all the time stay.
func TestTenantsThatAreUsedStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := ringOf(t, keyring.Config{MaxDynamicSources: 20})
		f := newFakeIssuer("a")
		busy := make([]*keyring.Source, 10)
		for i := range busy {
			busy[i] = admit(ring, "busy-"+strconv.Itoa(i), f)
			wantCode(t, busy[i], "a", 0)
		}
		for i := range 40 {
			time.Sleep(1200 * time.Millisecond)
			for _, s := range busy {
				wantCode(t, s, "a", 0)
			}
			wantCode(t, admit(ring, "passing-"+strconv.Itoa(i), f), "a", 0)
		}
		for i, s := range busy {
			if ring.Tenant("busy-"+strconv.Itoa(i)) != s {
				t.Errorf("tenant %d, used every second, was driven out", i)
			}
		}
	})
}
