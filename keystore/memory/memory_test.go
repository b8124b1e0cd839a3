package memory_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/keystoretest"
	"github.com/keychorus/keychorus/keystore/memory"
)

func TestStore(t *testing.T) {
	keystoretest.Run(t, func(testing.TB) keystore.KeyStore { return memory.New() },
		keystoretest.Shared(func(testing.TB) (one, other keystore.KeyStore) { s := memory.New(); return s, s }))
}

func TestVersionsNeverRepeat(t *testing.T) {
	store, seen, v := memory.New(), map[keystore.Version]bool{"": true}, keystore.Version("")
	for i := range 100 {
		var err error
		if v, err = store.Save(t.Context(), keystore.ID{}, &keystore.Record{}, v); err != nil || seen[v] {
			t.Fatalf("save %d of the same record: version %q, seen %v, %v", i, v, seen[v], err)
		}
		seen[v] = true
	}
}

func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keystoretest.RunReplay(t, func(testing.TB) keystore.Replay { return memory.NewReplay() })
	})
}

func TestReplayForgetsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := memory.NewReplay()
		for range 3 {
			if first, err := r.Once(t.Context(), "k", time.Minute); !first || err != nil {
				t.Fatalf("first use: %v, %v", first, err)
			}
			time.Sleep(time.Minute - 1)
			if first, err := r.Once(t.Context(), "k", time.Minute); first || err != nil {
				t.Fatalf("second use: %v, %v", first, err)
			}
			time.Sleep(time.Nanosecond)
		}
	})
}

func TestReplayIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := memory.NewReplay()
		for i := range 1 << 20 {
			if _, err := r.Once(t.Context(), strconv.Itoa(i), time.Minute); err != nil {
				t.Fatalf("use %d: %v", i, err)
			}
		}
		if first, err := r.Once(t.Context(), "one more", time.Minute); first || !errors.Is(err, keystore.ErrUnavailable) {
			t.Errorf("beyond the bound: %v, %v", first, err)
		}
		if first, err := r.Once(t.Context(), "7", time.Minute); first || err != nil {
			t.Errorf("a key that is remembered: %v, %v", first, err)
		}
		time.Sleep(time.Minute)
		if first, err := r.Once(t.Context(), "one more", time.Minute); !first || err != nil {
			t.Errorf("after the others have expired: %v, %v", first, err)
		}
		if n := r.Remembered(); n != 1 {
			t.Errorf("%d uses take room after all but one have expired", n)
		}
	})
}

// A hundred uses a second, each remembered for ten seconds, are a thousand at any time.
func TestReplayMakesRoomInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, most := memory.NewReplay(), 0
		for i := range 100_000 {
			if first, err := r.Once(t.Context(), strconv.Itoa(i), 10*time.Second); !first || err != nil {
				t.Fatalf("use %d: %v, %v", i, first, err)
			}
			most = max(most, r.Remembered())
			time.Sleep(10 * time.Millisecond)
		}
		if most > 2100 {
			t.Errorf("up to %d uses took room, want at most twice the thousand that had not expired", most)
		}
	})
}

func TestReplayWithoutTime(t *testing.T) {
	if _, err := memory.NewReplay().Once(context.Background(), "k", 0); err == nil {
		t.Error("a time to live of 0 was accepted")
	}
}

func BenchmarkStore(b *testing.B) {
	keystoretest.Benchmark(b, func(testing.TB) keystore.KeyStore { return memory.New() })
}
