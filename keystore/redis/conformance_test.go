package rediskeystore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/keystoretest"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

func TestOneServerConforms(t *testing.T) {
	t.Parallel()
	servers := map[keystore.KeyStore]*redisserver.Server{}
	newOne := func(tb testing.TB) keystore.KeyStore {
		s := startServer(tb)
		store := newStore(tb, connect(tb, patient(s)))
		servers[store] = s
		return store
	}
	newPair := func(tb testing.TB) (one, other keystore.KeyStore) {
		s := startServer(tb)
		return newStore(tb, connect(tb, patient(s))), newStore(tb, connect(tb, patient(s)))
	}
	breakIt := func(s keystore.KeyStore) {
		if err := servers[s].Kill(); err != nil {
			t.Error(err)
		}
	}
	keystoretest.Run(t, newOne, keystoretest.Shared(newPair), keystoretest.Break(breakIt))
}

// fresh returns a function that returns an empty store over a new client each time.
func fresh(connect func(testing.TB) redis.UniversalClient) func(testing.TB) *sealed.Store {
	var n atomic.Int64
	return func(tb testing.TB) *sealed.Store {
		return newStore(tb, connect(tb), sealed.WithNamespace(fmt.Sprint("store", n.Add(1))))
	}
}

func TestAClusterConforms(t *testing.T) {
	t.Parallel()
	cluster, err := redisserver.StartCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	newOne := fresh(func(tb testing.TB) redis.UniversalClient {
		return closing(tb, redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()}))
	})
	keystoretest.Run(t, func(tb testing.TB) keystore.KeyStore { return newOne(tb) })
	keystoretest.RunReplay(t, func(tb testing.TB) keystore.Replay { return newOne(tb) })
}

func TestAFleetIsCoordinated(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	var n atomic.Int64
	keystoretest.RunCoordinator(t, func(tb testing.TB) (one, other keystoretest.Coordinated) {
		namespace := sealed.WithNamespace(fmt.Sprint("pair", n.Add(1)))
		return newStore(tb, connect(tb, patient(s)), namespace), newStore(tb, connect(tb, patient(s)), namespace)
	})
}

func TestARingConforms(t *testing.T) {
	t.Parallel()
	one, other := startServer(t), startServer(t)
	newOne := fresh(func(tb testing.TB) redis.UniversalClient {
		return closing(tb, redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": one.Addr(), "other": other.Addr()}}))
	})
	keystoretest.Run(t, func(tb testing.TB) keystore.KeyStore { return newOne(tb) })
	for name, s := range map[string]*redisserver.Server{"one": one, "other": other} {
		if do(t, s, "dbsize") == int64(0) {
			t.Errorf("nothing is kept on server %s", name)
		}
	}
	// All who use the same Ring meet on one of its servers.
	store := newOne(t)
	events, _ := watch(t, store)
	v := mustSave(t, store, 1, "")
	nextEvent(t, events, func(e keystore.Event) bool { return e.Version == v })
}

func TestUsesAreRememberedByTheFleet(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	newOne := fresh(func(tb testing.TB) redis.UniversalClient { return connect(tb, patient(s)) })
	keystoretest.RunReplay(t, func(tb testing.TB) keystore.Replay { return newOne(tb) })
	var first atomic.Int64
	var wg sync.WaitGroup
	for range 8 { // processes of the same fleet
		store := newStore(t, connect(t, patient(s)))
		wg.Go(func() {
			for i := range 50 {
				ok, err := store.Once(t.Context(), fmt.Sprint("proof", i), 1<<40)
				if err != nil {
					t.Error(err)
				}
				if ok {
					first.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if first.Load() != 50 {
		t.Errorf("%d first uses of 50 proofs", first.Load())
	}
}
