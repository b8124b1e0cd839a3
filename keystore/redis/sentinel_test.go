package rediskeystore

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

// A master dies with the last write, which its replica never saw.
func TestAFailoverThatLosesAWriteDoesNoHarm(t *testing.T) {
	t.Parallel()
	sentinel, err := redisserver.StartSentinel(t.Context())
	must(t, err)
	t.Cleanup(sentinel.Stop)
	store := newStore(t, closing(t, redis.NewFailoverClient(&redis.FailoverOptions{MasterName: sentinel.Name, SentinelAddrs: sentinel.Addrs()})))
	events, _ := watch(t, store)
	first := mustSave(t, store, 1, "")
	if do(t, sentinel.Master, "wait", 1, 5000) != int64(1) {
		t.Fatal("the replica has not got the first record")
	}
	must(t, sentinel.Replica.Freeze())
	do(t, sentinel.Master, "client", "kill", "type", "replica") // or the system would still deliver what follows
	second := mustSave(t, store, 2, first)
	if lease, _, err := store.TryLease(t.Context(), testID); lease == nil || err != nil {
		t.Fatalf("TryLease: %v", err)
	}
	must(t, sentinel.Master.Kill())
	must(t, sentinel.Replica.Thaw())

	// Until the replica is master, saving fails; the record it saves over tells which it is.
	eventually(t, "the failover", func() bool {
		_, err := store.Save(t.Context(), testID, record(testID, 3), second)
		if err == nil {
			t.Fatal("saved over a record that is lost")
		}
		return errors.Is(err, keystore.ErrConflict)
	})
	base := wantRecord(t, store, 1) // authentic, and older: whoever holds the second one keeps it
	if base != first {
		t.Error("the older record has another version")
	}
	if lease, hold, err := store.TryLease(t.Context(), testID); lease == nil || err != nil {
		t.Errorf("the lease that is lost is not granted again: %+v, %v", hold, err)
	}
	nextEvent(t, events, func(e keystore.Event) bool { return e.Gap })
	third := mustSave(t, store, 3, base)
	nextEvent(t, events, func(e keystore.Event) bool { return e.Version == third })
	wantRecord(t, store, 3)
	if n := store.Stats().SealFailures; n != 0 {
		t.Errorf("%d seal failures", n)
	}
}
