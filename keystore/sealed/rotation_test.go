package sealed_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// fleet is eight processes on one back end.
type fleet struct {
	b      *backend
	stores [8]*sealed.Store
}

// deploy gives some of the processes other secrets, as a restart does.
func (f *fleet) deploy(tb testing.TB, which []int, primary string, previous ...string) {
	tb.Helper()
	for _, i := range which {
		f.noFailures(tb)
		f.stores[i] = newStoreWith(tb, announcing{f.b}, newSecrets(tb, primary, previous...))
	}
}

// noFailures wants no process to have met a seal that does not hold.
func (f *fleet) noFailures(tb testing.TB) {
	tb.Helper()
	for i, s := range f.stores {
		if s != nil && s.Stats() != (sealed.Stats{}) {
			tb.Errorf("process %d has met %+v", i, s.Stats())
		}
	}
}

// change has one process store a newer document and another denial, as the key ring does: over
// what it has read.
func change(tb testing.TB, s *sealed.Store, n int) {
	tb.Helper()
	rec, v, err := s.Load(tb.Context(), theID)
	if errors.Is(err, keystore.ErrNotFound) {
		rec, err = &keystore.Record{ID: theID, FetchedAt: time.Now()}, nil
	}
	if err != nil {
		tb.Fatalf("Load before change %d: %v", n, err)
	}
	next := rec.Clone()
	next.Document, next.FetchedAt = fmt.Appendf(nil, "document %d", n), rec.FetchedAt.Add(time.Minute)
	next.Denied = append(next.Denied, fmt.Sprintf("denied %03d", n))
	slices.Sort(next.Denied)
	if _, err := s.Save(tb.Context(), theID, next, v); err != nil {
		tb.Errorf("change %d: %v", n, err)
	}
}

// A secret is changed in three steps, each on one half of the fleet and then on the other. In
// between every process changes the record, and all see every change.
func TestSecretsAreChangedWithoutAFailureOrALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{b: newBackend()}
		changes := 0
		everybody, one, other := []int{0, 1, 2, 3, 4, 5, 6, 7}, []int{0, 1, 2, 3}, []int{4, 5, 6, 7}
		use := func(step string) {
			for _, i := range everybody {
				changes++
				change(t, f.stores[i], changes)
				for _, j := range everybody {
					rec, v, err := f.stores[j].Load(t.Context(), theID)
					if err != nil || v == "" {
						t.Fatalf("%s: process %d does not find the record: %v", step, j, err)
					}
					if string(rec.Document) != fmt.Sprintf("document %d", changes) || len(rec.Denied) != changes {
						t.Fatalf("%s: after %d changes process %d has %q and %d denials", step, changes, j, rec.Document, len(rec.Denied))
					}
				}
			}
			f.noFailures(t)
		}
		f.deploy(t, everybody, "old")
		use("before")
		for step, secrets := range [][]string{{"old", "new"}, {"new", "old"}, {"new"}} {
			f.deploy(t, one, secrets[0], secrets[1:]...)
			use(fmt.Sprintf("half of step %d", step+1))
			f.deploy(t, other, secrets[0], secrets[1:]...)
			use(fmt.Sprintf("step %d", step+1))
		}
	})
}

// Whoever was the last to use the old secret need not have been told of the new one's record.
func TestBothRecordsAreMerged(t *testing.T) {
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	for what, c := range map[string]struct{ current, previous, want keystore.Record }{
		"the newer document": {
			keystore.Record{Document: []byte("a"), FetchedAt: at}, keystore.Record{Document: []byte("b"), FetchedAt: at.Add(1)},
			keystore.Record{Document: []byte("b"), FetchedAt: at.Add(1)},
		},
		"the current one if both are as old": {
			keystore.Record{Document: []byte("a"), FetchedAt: at}, keystore.Record{Document: []byte("b"), FetchedAt: at},
			keystore.Record{Document: []byte("a"), FetchedAt: at},
		},
		"denials of both": {
			keystore.Record{Document: []byte("a"), FetchedAt: at, Denied: []string{"1", "3"}},
			keystore.Record{Document: []byte("b"), FetchedAt: at.Add(-1), Denied: []string{"2", "3"}},
			keystore.Record{Document: []byte("a"), FetchedAt: at, Denied: []string{"1", "2", "3"}},
		},
		"denials of both and the newer document": {
			keystore.Record{Document: []byte("a"), FetchedAt: at, Denied: []string{"2"}},
			keystore.Record{Document: []byte("b"), FetchedAt: at.Add(1), Denied: []string{"1"}},
			keystore.Record{Document: []byte("b"), FetchedAt: at.Add(1), Denied: []string{"1", "2"}},
		},
		"the greater epoch": {
			keystore.Record{Document: []byte("a"), FetchedAt: at, Epoch: 2}, keystore.Record{Document: []byte("b"), FetchedAt: at.Add(-1), Epoch: 3},
			keystore.Record{Document: []byte("a"), FetchedAt: at, Epoch: 3},
		},
		"the document of the greater epoch": {
			keystore.Record{Document: []byte("a"), FetchedAt: at, Epoch: 2, DocumentEpoch: 2},
			keystore.Record{Document: []byte("b"), FetchedAt: at.Add(1), Epoch: 1, DocumentEpoch: 1},
			keystore.Record{Document: []byte("a"), FetchedAt: at, Epoch: 2, DocumentEpoch: 2},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBackend()
			mustSave(t, newStoreWith(t, b, newSecrets(t, "new")), &c.current, "")
			mustSave(t, newStoreWith(t, b, newSecrets(t, "old")), &c.previous, "")
			s := newStoreWith(t, b, newSecrets(t, "new", "old"))
			swaps := b.swaps
			for range 2 {
				got, v := mustLoad(t, s)
				if string(got.Document) != string(c.want.Document) || !got.FetchedAt.Equal(c.want.FetchedAt) ||
					!slices.Equal(got.Denied, c.want.Denied) || got.Epoch != c.want.Epoch || got.DocumentEpoch != c.want.DocumentEpoch {
					t.Errorf("%s: got %+v, want %+v", what, got, c.want)
				}
				if got, again := mustLoad(t, newStoreWith(t, b, newSecrets(t, "new"))); again != v || string(got.Document) != string(c.want.Document) {
					t.Errorf("%s: without the old secret there is %+v, of the same version %v", what, got, again == v)
				}
			}
			if b.swaps > swaps+1 {
				t.Errorf("%s: it was sealed again %d times, want once at most", what, b.swaps-swaps)
			}
		})
	}
}

func TestARecordOfThePreviousSecretIsSealedAgain(t *testing.T) {
	for what, prepare := range map[string]func(b *backend, name string){
		"nothing there": func(*backend, string) {},
		"a forgery":     func(b *backend, name string) { b.put(name, []byte("forged"), 0) },
		"empty":         func(b *backend, name string) { b.put(name, []byte{}, 0) },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBackend()
			s := newStoreWith(t, b, newSecrets(t, "new", "old"))
			name := nameOf(t, s, theID, "set")
			mustSave(t, newStoreWith(t, b, newSecrets(t, "old")), record(), "")
			prepare(b, name)
			_, v := mustLoad(t, s)
			if value, _ := b.stored(name); v == "" || len(value) < 100 {
				t.Errorf("%s: %d bytes are under the new name, with a version %v", what, len(value), v != "")
			}
			mustSave(t, s, &keystore.Record{}, v)
		})
	}
}

// A record is used even where it cannot be sealed again.
func TestSealingAgainMayFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		mustSave(t, newStoreWith(t, b, newSecrets(t, "old")), record(), "")
		b.refuseWrites = true
		s := newStoreWith(t, b, newSecrets(t, "new", "old"))
		rec, v := mustLoad(t, s)
		if rec.Epoch != record().Epoch || v != "" {
			t.Errorf("loaded %+v with a version %v", rec, v != "")
		}
		b.refuseWrites = false
		mustSave(t, s, rec, v)
	})
}
