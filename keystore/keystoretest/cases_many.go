package keystoretest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keychorus/keychorus/keystore"
)

func testCreateRace(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	var won atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 32 {
		wg.Go(func() {
			<-start
			_, err := store.Save(tb.Context(), plainID, &keystore.Record{ID: plainID, Epoch: uint64(i)}, "")
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, keystore.ErrConflict):
				tb.Errorf("Save: %v", err)
			}
		})
	}
	close(start)
	wg.Wait()
	if won.Load() != 1 {
		tb.Errorf("%d of 32 created the record, want 1", won.Load())
	}
}

// testSwapChain counts with Epoch: every save that succeeds must have added one.
func testSwapChain(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	mustSave(tb, store, plainID, &keystore.Record{ID: plainID}, "")
	const workers, each = 8, 25
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				rec, v, err := store.Load(tb.Context(), plainID)
				if err != nil {
					tb.Errorf("Load: %v", err)
					return
				}
				_, err = store.Save(tb.Context(), plainID, &keystore.Record{ID: plainID, Epoch: rec.Epoch + 1}, v)
				switch {
				case err == nil:
					done++
				case !errors.Is(err, keystore.ErrConflict):
					tb.Errorf("Save: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if rec, _ := mustLoad(tb, store, plainID); rec.Epoch != workers*each {
		tb.Errorf("%d saves left the count at %d", workers*each, rec.Epoch)
	}
}

func testShared(tb testing.TB, s *suite) {
	one, other := s.newPair(tb)
	v := mustSave(tb, one, plainID, full(plainID), "")
	got, seen := mustLoad(tb, other, plainID)
	same(tb, got, full(plainID))
	if seen != v {
		tb.Errorf("one handle saved version %q, the other sees %q", v, seen)
	}
	mustSave(tb, other, plainID, &keystore.Record{ID: plainID}, seen)
	if _, err := one.Save(tb.Context(), plainID, full(plainID), v); !errors.Is(err, keystore.ErrConflict) {
		tb.Errorf("saving over what the other replaced: %v, want ErrConflict", err)
	}
}

func numbered(i int) keystore.ID {
	return keystore.ID{Issuer: fmt.Sprintf("https://%d.example.test", i)}
}

func testForgotten(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	first := mustSave(tb, store, numbered(0), full(numbered(0)), "")
	for i := 1; i <= 2*s.bound; i++ {
		mustSave(tb, store, numbered(i), full(numbered(i)), "")
	}
	if _, v, err := store.Load(tb.Context(), numbered(0)); !errors.Is(err, keystore.ErrNotFound) || v != "" {
		tb.Fatalf("the oldest of %d records: %q, %v; want ErrNotFound", 2*s.bound+1, v, err)
	}
	if _, err := store.Save(tb.Context(), numbered(0), full(numbered(0)), first); !errors.Is(err, keystore.ErrConflict) {
		tb.Errorf("saving over what was forgotten: %v, want ErrConflict", err)
	}
	if again := mustSave(tb, store, numbered(0), full(numbered(0)), ""); again == first {
		tb.Error("a version came back with its record")
	}
}

func testBoundedContents(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	kept := 0
	for i := range 3 * s.bound {
		mustSave(tb, store, numbered(i), &keystore.Record{ID: numbered(i), Epoch: uint64(i)}, "")
	}
	for i := range 3 * s.bound {
		rec, _, err := store.Load(tb.Context(), numbered(i))
		if err != nil {
			continue
		}
		kept++
		if rec.ID != numbered(i) || rec.Epoch != uint64(i) {
			tb.Errorf("under ID %d is the record of %v", i, rec.ID)
		}
	}
	if kept == 0 || kept > s.bound {
		tb.Errorf("%d records are kept, want 1 to %d", kept, s.bound)
	}
}

func testBroken(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	v := mustSave(tb, store, plainID, full(plainID), "")
	s.breakIt(tb, store)
	for _, id := range []keystore.ID{plainID, numbered(1)} {
		_, _, err := store.Load(tb.Context(), id)
		if err == nil || errors.Is(err, keystore.ErrNotFound) || errors.Is(err, keystore.ErrUnusable) {
			tb.Errorf("Load from a broken back end: %v", err)
		}
	}
	if _, err := store.Save(tb.Context(), plainID, full(plainID), v); err == nil || errors.Is(err, keystore.ErrConflict) {
		tb.Errorf("Save to a broken back end: %v", err)
	}
}
