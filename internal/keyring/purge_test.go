package keyring_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// A process that has seen nothing yet purges what others have purged before.
func TestPurgeByAFreshProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a"), memory.New()
		for want := uint64(1); want <= 3; want++ {
			s, ring := sourceAndRing(t, f, keyring.Config{}, store)
			before := f.count()
			if err := s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			ring.Close()
			rec, _, err := store.Load(t.Context(), issuerID)
			if err != nil || rec.Epoch != want || rec.DocumentEpoch != want || f.count() == before {
				t.Errorf("purge %d: epoch %d, document of %d, %d fetches, %v", want, rec.Epoch, rec.DocumentEpoch, f.count()-before, err)
			}
		}
	})
}

// slowStore takes its time to save.
type slowStore struct{ keystore.KeyStore }

func (s slowStore) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	select {
	case <-time.After(50 * time.Millisecond):
		return s.KeyStore.Save(ctx, id, rec, base)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Purge returns when the confirmed keys are stored, so that the process may end.
func TestPurgeWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a"), slowStore{memory.New()}
		s, ring := sourceAndRing(t, f, keyring.Config{}, store)
		if err := s.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		ring.Close()
		rec, _, err := store.Load(t.Context(), issuerID)
		if err != nil || rec.DocumentEpoch < rec.Epoch {
			t.Errorf("epoch %d, document of %d, %v", rec.Epoch, rec.DocumentEpoch, err)
		}
	})
}

// A replica whose look crosses the end of another's attempt does not sit out its cool-down.
func TestNoNeedlessWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeIssuer("a"), newRemote()
		for i := range 20 {
			one, other := newReplica(t, r, f, keyring.Config{}), newReplica(t, r, f, keyring.Config{})
			wantCode(t, one.Source, "a", 0)
			time.Sleep(time.Duration(i) * 300 * time.Microsecond) // the other looks while the one stores
			began := time.Now()
			wantCode(t, other.Source, "a", 0)
			if d := time.Since(began); d > 150*time.Millisecond {
				t.Fatalf("the record was there or about to be, and it took %v", d)
			}
			time.Sleep(10 * time.Minute)
			r.change(func() { clear(r.values) })
		}
	})
}
