package keystoretest

import (
	"errors"
	"fmt"
	"strconv"
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

// testMixedUse writes the same number into two fields, so that a mixture of two records shows.
func testMixedUse(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	ids := 4
	if s.bound > 0 {
		ids = min(ids, s.bound)
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 50 {
				if !useOnce(tb, store, numbered((worker+i)%ids)) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// useOnce loads the record under id and saves the next. It tells whether to go on.
func useOnce(tb testing.TB, store keystore.KeyStore, id keystore.ID) bool {
	rec, v, err := store.Load(tb.Context(), id)
	if errors.Is(err, keystore.ErrNotFound) {
		rec, err = &keystore.Record{ID: id, Document: []byte("0")}, nil
	}
	if err != nil {
		tb.Errorf("Load: %v", err)
		return false
	}
	if rec.ID != id || string(rec.Document) != strconv.FormatUint(rec.Epoch, 10) {
		tb.Errorf("under %v is the record of %v, with document %q and epoch %d", id, rec.ID, rec.Document, rec.Epoch)
		return false
	}
	next := &keystore.Record{ID: id, Epoch: rec.Epoch + 1, Document: []byte(strconv.FormatUint(rec.Epoch+1, 10))}
	if _, err := store.Save(tb.Context(), id, next, v); err != nil && !errors.Is(err, keystore.ErrConflict) {
		tb.Errorf("Save: %v", err)
		return false
	}
	return true
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

// testForgotten does not say which records a store forgets, only that it forgets some.
func testForgotten(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	versions := make([]keystore.Version, 2*s.bound+1)
	for i := range versions {
		versions[i] = mustSave(tb, store, numbered(i), full(numbered(i)), "")
	}
	var forgotten []int
	for i, base := range versions {
		_, v, err := store.Load(tb.Context(), numbered(i))
		if err == nil {
			continue
		}
		if !errors.Is(err, keystore.ErrNotFound) || v != "" {
			tb.Errorf("Load of what was forgotten: version %q, %v; want ErrNotFound alone", v, err)
		}
		if _, err := store.Save(tb.Context(), numbered(i), full(numbered(i)), base); !errors.Is(err, keystore.ErrConflict) {
			tb.Errorf("saving over what was forgotten: %v, want ErrConflict", err)
		}
		forgotten = append(forgotten, i)
	}
	if len(forgotten) == 0 {
		tb.Errorf("none of %d records is forgotten", len(versions))
	}
	for _, i := range forgotten {
		if again := mustSave(tb, store, numbered(i), &keystore.Record{ID: numbered(i)}, ""); again == versions[i] {
			tb.Errorf("version %q of what was forgotten is that of another record", again)
		}
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
		if errors.Is(err, keystore.ErrNotFound) {
			continue
		}
		if err != nil {
			tb.Fatalf("Load: %v", err)
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
	s.breakIt(store)
	for _, id := range []keystore.ID{plainID, numbered(1)} {
		rec, _, err := store.Load(tb.Context(), id)
		if !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, keystore.ErrNotFound) || rec != nil {
			tb.Errorf("Load from a broken back end: %v; want ErrUnavailable", err)
		}
	}
	for _, base := range []keystore.Version{v, ""} {
		_, err := store.Save(tb.Context(), plainID, full(plainID), base)
		if !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, keystore.ErrConflict) {
			tb.Errorf("Save to a broken back end: %v; want ErrUnavailable", err)
		}
	}
}
