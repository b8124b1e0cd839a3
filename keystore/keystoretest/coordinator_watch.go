package keystoretest

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// watcher is one call of Watch.
type watcher struct {
	events chan keystore.Event
	stop   context.CancelFunc
	ended  chan error
}

// watch begins to watch; what nobody takes from events is dropped once it is full.
func watch(tb testing.TB, s Coordinated) *watcher {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	w := &watcher{make(chan keystore.Event, 1024), cancel, make(chan error, 1)}
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		w.ended <- s.Watch(ctx, func(e keystore.Event) {
			select {
			case w.events <- e:
			default:
			}
		})
	}()
	tb.Cleanup(func() {
		cancel()
		select {
		case <-returned:
		case <-time.After(grace): // which testWatchEnds is about
		}
	})
	return w
}

// until waits for an event that is wanted, and returns false if there is none in time.
func (w *watcher) until(wanted func(keystore.Event) bool) bool {
	timeout := time.NewTimer(eventWithin)
	defer timeout.Stop()
	for {
		select {
		case e := <-w.events:
			if wanted(e) {
				return true
			}
		case <-timeout.C:
			return false
		}
	}
}

// ready waits until changes are seen.
func (w *watcher) ready(tb testing.TB) {
	tb.Helper()
	if !w.until(func(e keystore.Event) bool { return e.Gap && e.ID == keystore.ID{} }) {
		tb.Fatalf("within %v of watching no gap was told", eventWithin)
	}
}

func testWatchEnds(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	w := watch(tb, other)
	w.ready(tb)
	w.stop()
	select {
	case err := <-w.ended:
		if !errors.Is(err, context.Canceled) {
			tb.Errorf("Watch returned %v, want the error of its context", err)
		}
	case <-time.After(grace):
		tb.Fatalf("Watch did not return within %v of the end of its context", grace)
	}
	for len(w.events) > 0 {
		<-w.events
	}
	mustSave(tb, one, plainID, full(plainID), "")
	time.Sleep(100 * time.Millisecond)
	if len(w.events) > 0 {
		tb.Errorf("after Watch returned, it told of %+v", <-w.events)
	}
}

// testWatchGap is about what was saved before anybody watched.
func testWatchGap(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	mustSave(tb, one, plainID, full(plainID), "")
	watch(tb, other).ready(tb)
}

func testWatchSave(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	w := watch(tb, other)
	w.ready(tb)
	id, v := plainID, keystore.Version("")
	for i := range 3 {
		rec := full(id)
		rec.Epoch += uint64(i)
		v = mustSave(tb, one, id, rec, v)
		told := w.until(func(e keystore.Event) bool {
			switch {
			case e.Gap:
				return e.ID == id || e.ID == keystore.ID{}
			case e.ID != id:
				tb.Errorf("a save under %v was told as one under %v", id, e.ID)
				return false
			case e.Record == nil:
				return true
			case e.Record.Epoch < rec.Epoch: // once more
				return false
			}
			same(tb, e.Record, rec)
			if e.Version != "" && e.Version != v {
				tb.Errorf("the event has version %q, want %q or none", e.Version, v)
			}
			return true
		})
		if !told {
			tb.Fatalf("within %v nothing was told of save %d", eventWithin, i)
		}
	}
}

// testWatchOrder is slow to take each event.
func testWatchOrder(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	ctx, cancel := context.WithCancel(tb.Context())
	var inside, overlaps, events atomic.Int64
	began, enough := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = other.Watch(ctx, func(keystore.Event) {
			if inside.Add(1) > 1 {
				overlaps.Add(1)
			}
			for range 20 {
				runtime.Gosched()
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
			switch events.Add(1) {
			case 1:
				close(began)
			case 2:
				close(enough)
			}
		})
	})
	defer wg.Wait()
	defer cancel()
	wait := func(c <-chan struct{}) {
		select {
		case <-c:
		case <-time.After(eventWithin):
		}
	}
	wait(began)
	for i := range 8 {
		wg.Go(func() { mustSaveAnyway(tb, []Coordinated{one, other}[i%2], numbered(i)) })
	}
	wait(enough)
	time.Sleep(100 * time.Millisecond)
	if overlaps.Load() > 0 {
		tb.Errorf("%d events were told while another one was", overlaps.Load())
	}
	if events.Load() < 2 {
		tb.Errorf("%d events were told of a beginning and 8 saves", events.Load())
	}
}

// mustSaveAnyway is mustSave for goroutines, which must not end the test.
func mustSaveAnyway(tb testing.TB, s keystore.KeyStore, id keystore.ID) {
	if _, err := s.Save(tb.Context(), id, full(id), ""); err != nil {
		tb.Errorf("Save: %v", err)
	}
}

// testWatchGoroutines marks what a store starts, as testGoroutines does.
func testWatchGoroutines(tb testing.TB, newPair pairOf) {
	use := func(tb testing.TB) {
		one, other := newPair(tb)
		w := watch(tb, other)
		w.ready(tb)
		l := mustClaim(tb, one, plainID, 0)
		mustSave(tb, one, plainID, full(plainID), "")
		mustEnd(tb, l, keystore.Useful, time.Millisecond)
		w.stop()
	}
	mark := rand.Text()
	pprof.Do(tb.Context(), pprof.Labels("keystoretest", mark), func(context.Context) { runScoped(tb, use) })
	wantNoneLeft(tb, mark)
}
