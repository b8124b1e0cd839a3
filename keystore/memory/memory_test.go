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

func TestReplay(t *testing.T) {
	keystoretest.RunReplay(t, func(testing.TB) keystore.Replay { return memory.NewReplay() })
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
