package keystoretest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// replayCase is one promise of keystore.Replay.
type replayCase struct {
	name string
	run  func(testing.TB, keystore.Replay)
}

func replayCases() []replayCase {
	return []replayCase{
		{"the first use is told from the second", testOnce},
		{"one of many is first", testOnceRace},
		{"an ended context is told and uses nothing up", testOnceContext},
		{"a use is forgotten in time", testOnceExpiry},
	}
}

// RunReplay tests a Replay. newReplay returns one that remembers nothing, and registers with
// Cleanup what closes it. There are no subtests, so that a Replay which keeps time itself can
// be tested inside a bubble of testing/synctest; outside one, RunReplay takes two seconds.
func RunReplay(t *testing.T, newReplay func(testing.TB) keystore.Replay) {
	t.Helper()
	for _, c := range replayCases() {
		t.Log(c.name)
		runScoped(t, func(tb testing.TB) { c.run(tb, newReplay(tb)) })
	}
}

func mustOnce(tb testing.TB, r keystore.Replay, key string, want bool) {
	tb.Helper()
	first, err := r.Once(tb.Context(), key, time.Hour)
	if err != nil {
		tb.Fatalf("Once: %v", err)
	}
	if first != want {
		tb.Errorf("Once says first is %v, want %v", first, want)
	}
}

func testOnce(tb testing.TB, r keystore.Replay) {
	for i, key := range []string{"a", "A", "a\x00", "", "a b\r\n{}*", string(make([]byte, 10_000)), "caf\u00e9", "cafe\u0301"} {
		mustOnce(tb, r, key, true)
		mustOnce(tb, r, key, false)
		mustOnce(tb, r, key+strconv.Itoa(i), true)
	}
	mustOnce(tb, r, "a", false)
}

func testOnceRace(tb testing.TB, r keystore.Replay) {
	var first atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 32 {
		wg.Go(func() {
			<-start
			ok, err := r.Once(tb.Context(), "raced", time.Hour)
			if err != nil {
				tb.Errorf("Once: %v", err)
			}
			if ok {
				first.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	if first.Load() != 1 {
		tb.Errorf("%d of 32 were first, want 1", first.Load())
	}
}

func testOnceContext(tb testing.TB, r keystore.Replay) {
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	if first, err := r.Once(ctx, "late", time.Hour); !errors.Is(err, context.Canceled) || first {
		tb.Errorf("Once with an ended context: %v, %v", first, err)
	}
	mustOnce(tb, r, "late", true)
}

func testOnceExpiry(tb testing.TB, r keystore.Replay) {
	const ttl = time.Second
	if first, err := r.Once(tb.Context(), "brief", ttl); err != nil || !first {
		tb.Fatalf("the first use: first is %v, %v", first, err)
	}
	time.Sleep(2 * ttl) // a back end may count in whole seconds
	mustOnce(tb, r, "brief", true)
	mustOnce(tb, r, "brief", false)
}
