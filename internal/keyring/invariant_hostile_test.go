package keyring_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// A million hostile look-ups leave the heap as it was.
func TestInvariantI15HostileInputIsBounded(t *testing.T) {
	f := newFakeIssuer("a")
	f.latency = 0
	s := source(t, f, keyring.Config{})
	wantCode(t, s, "a", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits
	hostile := func(n int) {
		for i := range n {
			_, _, _ = s.Key(ctx, time.Now(), jws.EdDSA, "hostile-"+strconv.Itoa(i), i%2 == 0)
		}
	}
	hostile(10_000)
	before := heap()
	hostile(1_000_000)
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestInvariantI15TenantsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := ringOf(t, keyring.Config{MaxDynamicSources: 100})
		f := newFakeIssuer("a")
		f.latency = 0
		good := admit(ring, "good", f)
		wantCode(t, good, "a", 0)
		f.fail(errDown)
		for i := range 5000 {
			s := admit(ring, "hostile-"+strconv.Itoa(i), f)
			if code := lookUp(t, s, "a"); code != keyring.Unavailable {
				t.Fatalf("tenant %d: %v", i, code)
			}
		}
		if n := f.count(); n > 1+2*10 {
			t.Errorf("%d fetches for 5,000 new tenants that fail, want ten attempts a minute", n)
		}
		if ring.Tenant("good") != good {
			t.Error("hostile tenants drove out one that works")
		}
		n := 0
		for i := range 5000 {
			if ring.Tenant("hostile-"+strconv.Itoa(i)) != nil {
				n++
			}
		}
		if n > 99 {
			t.Errorf("%d hostile tenants are kept", n)
		}
	})
}

// ringOf is a ring of one process, closed with the test.
func ringOf(tb testing.TB, cfg keyring.Config) *keyring.Ring {
	tb.Helper()
	cfg, err := cfg.Check()
	if err != nil {
		tb.Fatal(err)
	}
	ring := keyring.New(cfg, keyring.Options{Store: memory.New()})
	tb.Cleanup(ring.Close)
	return ring
}

func admit(ring *keyring.Ring, issuer string, f keyring.Fetcher) *keyring.Source {
	s := ring.Source(keystore.ID{Issuer: issuer}, f, nil)
	return ring.Admit(issuer, ring.Tenant(issuer), s)
}
