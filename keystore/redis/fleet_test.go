package rediskeystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// fleet returns stores that share a server, each with a client of its own.
func fleet(tb testing.TB, s *redisserver.Server, n int) []*sealed.Store {
	tb.Helper()
	stores := make([]*sealed.Store, n)
	for i := range stores {
		stores[i] = newStore(tb, connect(tb, patient(s)))
	}
	return stores
}

// countUp adds one to the record's epoch, or returns ErrConflict.
func countUp(tb testing.TB, s *sealed.Store, id keystore.ID) error {
	tb.Helper()
	rec, v, err := s.Load(tb.Context(), id)
	if errors.Is(err, keystore.ErrNotFound) {
		rec, err = &keystore.Record{ID: id}, nil
	}
	if err != nil {
		return err
	}
	_, err = s.Save(tb.Context(), id, &keystore.Record{ID: id, Epoch: rec.Epoch + 1}, v)
	return err
}

func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	var wins, losses atomic.Int64
	var wg sync.WaitGroup
	for _, store := range fleet(t, s, 16) {
		wg.Go(func() {
			for range 50 {
				switch err := countUp(t, store, testID); {
				case err == nil:
					wins.Add(1)
				case errors.Is(err, keystore.ErrConflict):
					losses.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rec, _, err := newStore(t, connect(t, patient(s))).Load(t.Context(), testID)
	must(t, err)
	if rec.Epoch != uint64(wins.Load()) || wins.Load()+losses.Load() != 16*50 || losses.Load() == 0 {
		t.Errorf("%d saves won, %d lost, and the count is %d", wins.Load(), losses.Load(), rec.Epoch)
	}
}

func TestOneOfAFleetGetsTheLease(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	stores := fleet(t, s, 16)
	for round := range 20 {
		id := keystore.ID{Issuer: fmt.Sprint(round)}
		var granted atomic.Int64
		var mu sync.Mutex
		var lease keystore.Lease
		var wg sync.WaitGroup
		for _, store := range stores {
			wg.Go(func() {
				l, hold, err := store.TryLease(t.Context(), id)
				switch {
				case err != nil:
					t.Error(err)
				case l != nil:
					granted.Add(1)
					mu.Lock()
					lease = l
					mu.Unlock()
				case !hold.Fetching || hold.Left <= 0 || hold.Left > 6*time.Second:
					t.Errorf("held: %+v", hold)
				}
			})
		}
		wg.Wait()
		if granted.Load() != 1 {
			t.Fatalf("%d of 16 got the lease", granted.Load())
		}
		must(t, lease.End(t.Context(), keystore.Absent, time.Minute))
		for _, store := range stores {
			l, hold, err := store.TryLease(t.Context(), id)
			if l != nil || err != nil || hold.Fetching || hold.Outcome != keystore.Absent || hold.Left <= 50*time.Second || hold.Left > time.Minute {
				t.Errorf("cooling: %v, %+v, %v", l, hold, err)
			}
		}
	}
}

func TestACoolDownEndsByItself(t *testing.T) {
	t.Parallel()
	store := newStore(t, connect(t, patient(startServer(t))))
	lease, _, err := store.TryLease(t.Context(), testID)
	must(t, err)
	must(t, lease.End(t.Context(), keystore.Useful, 300*time.Millisecond))
	var next keystore.Lease
	eventually(t, "the next lease is granted", func() bool {
		l, _, err := store.TryLease(t.Context(), testID)
		must(t, err)
		next = l
		return l != nil
	})
	// Whoever ends a lease late does not disturb its successor.
	must(t, lease.End(t.Context(), keystore.Failed, time.Hour))
	if _, hold, err := store.TryLease(t.Context(), testID); err != nil || !hold.Fetching {
		t.Errorf("after a late end: %+v, %v", hold, err)
	}
	must(t, next.End(t.Context(), keystore.Abandoned, time.Hour))
	if _, hold, err := store.TryLease(t.Context(), testID); err != nil || hold.Left > time.Second {
		t.Errorf("an abandoned attempt leaves %+v, %v", hold, err)
	}
}

func TestARestartedServerIsFilledFromMemory(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	stores := fleet(t, s, 4)
	v := mustSave(t, stores[0], 1, "")
	rec, _, err := stores[1].Load(t.Context(), testID)
	must(t, err)
	events, _ := watch(t, stores[1])
	must(t, s.Restart(t.Context()))
	nextEvent(t, events, func(e keystore.Event) bool { return e.Gap })
	_, _, err = stores[1].Load(t.Context(), testID)
	wantErr(t, "Load", err, keystore.ErrNotFound)
	_, err = stores[0].Save(t.Context(), testID, record(testID, 2), v)
	wantErr(t, "saving over what is gone", err, keystore.ErrConflict)
	var healed atomic.Int64
	var wg sync.WaitGroup
	for _, store := range stores {
		wg.Go(func() {
			switch _, err := store.Save(t.Context(), testID, rec, ""); {
			case err == nil:
				healed.Add(1)
			case !errors.Is(err, keystore.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if healed.Load() != 1 {
		t.Errorf("%d of 4 put the record back", healed.Load())
	}
	wantRecord(t, stores[3], 1)
}

// Half the fleet at a time learns of the new secret, makes it primary, forgets the old one.
func TestTheSecretChangesWithoutALoss(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	rings := []*sealed.Secrets{
		newSecrets(t, fleetSecret), newSecrets(t, fleetSecret, secondSecret),
		newSecrets(t, secondSecret, fleetSecret), newSecrets(t, secondSecret),
	}
	var n int
	var failures uint64
	for step := range 7 {
		older := newStoreWith(t, connect(t, patient(s)), rings[step/2])
		newer := newStoreWith(t, connect(t, patient(s)), rings[(step+1)/2])
		if step == 0 {
			mustSave(t, older, n, "")
		}
		for _, store := range []*sealed.Store{older, newer} { // one loads, the other saves
			wantRecord(t, older, n)
			v := wantRecord(t, newer, n)
			if store == older {
				v = wantRecord(t, older, n)
			}
			n++
			mustSave(t, store, n, v)
			wantRecord(t, older, n)
			wantRecord(t, newer, n)
		}
		wantOneLease(t, fmt.Sprint("step ", step), older, newer)
		failures += older.Stats().SealFailures + newer.Stats().SealFailures
	}
	if failures != 0 {
		t.Errorf("%d seal failures", failures)
	}
}

// wantOneLease says that two halves of a fleet do not both get a lease, whoever is first.
func wantOneLease(t *testing.T, what string, stores ...*sealed.Store) {
	t.Helper()
	for round := range 2 {
		id := keystore.ID{Issuer: fmt.Sprint(what, round)}
		granted := 0
		for _, store := range stores {
			lease, _, err := store.TryLease(t.Context(), id)
			must(t, err)
			if lease != nil {
				granted++
			}
		}
		if granted != 1 {
			t.Errorf("%s: %d leases were granted, want 1", what, granted)
		}
		slices.Reverse(stores)
	}
}

// interrupting loses the connection right before every transaction.
type interrupting struct {
	counting

	interrupt func()
}

func (i *interrupting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "multi" {
			i.interrupt()
		}
		return next(ctx, cmds)
	}
}

// The client sends again what got lost, on another connection, where nothing is watched.
func TestAConnectionLostAfterWatchingReplacesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	other := newStore(t, connect(t, patient(s)))
	v := mustSave(t, other, 1, "")
	client := connect(t, &redis.Options{Addr: s.Addr()}) // three retries
	interrupted := 0
	client.AddHook(&interrupting{interrupt: func() {
		interrupted++
		mustSave(t, other, 2, v)
		do(t, s, "client", "kill", "type", "normal")
	}})
	_, err := newStore(t, client).Save(t.Context(), testID, record(testID, 3), v)
	if err == nil || interrupted != 1 {
		t.Errorf("Save: %v, interrupted %d times", err, interrupted)
	}
	eventually(t, "the server is reached again", func() bool { _, _, err := other.Load(t.Context(), testID); return err == nil })
	wantRecord(t, other, 2)
}
