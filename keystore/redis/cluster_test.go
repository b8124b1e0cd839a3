package rediskeystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// startCluster runs a cluster that keeps a log of all commands and has a user with the
// documented rights.
func startCluster(t *testing.T) (*redisserver.Cluster, *redis.ClusterOptions) {
	t.Helper()
	cluster, err := redisserver.StartCluster(t.Context(), "--slowlog-log-slower-than", "0", "--slowlog-max-len", "1000000")
	must(t, err)
	t.Cleanup(cluster.Stop)
	o := &redis.ClusterOptions{Addrs: cluster.Addrs(), DisableIdentity: true}
	for _, s := range cluster.Nodes {
		one := allow(t, s, aclNames+" "+aclCommands+" "+aclCluster)
		o.Username, o.Password, o.MaintNotificationsConfig = one.Username, one.Password, one.MaintNotificationsConfig
	}
	return cluster, o
}

func TestAClusterKeepsWhatBelongsTogetherTogether(t *testing.T) {
	t.Parallel()
	cluster, o := startCluster(t)
	stores := make([]*sealed.Store, 3)
	for i := range stores {
		stores[i] = newStore(t, closing(t, redis.NewClusterClient(o)))
	}
	var perNode [3]int
	for i := range 60 {
		id := keystore.ID{Issuer: fmt.Sprint(i)}
		_, err := stores[i%3].Save(t.Context(), id, record(id, i), "")
		must(t, err)
		if _, _, err := stores[(i+1)%3].Load(t.Context(), id); err != nil {
			t.Errorf("Load: %v", err)
		}
		node, slot, err := cluster.Owner(t.Context(), nameOf(t, stores[0], id, "set"))
		must(t, err)
		if _, other, err := cluster.Owner(t.Context(), nameOf(t, stores[0], id, "lease")); err != nil || slot != other {
			t.Errorf("ID %d: record in slot %d, lease in %d, %v", i, slot, other, err)
		}
		perNode[node]++
	}
	if slices.Contains(perNode[:], 0) {
		t.Errorf("the nodes have %v IDs", perNode)
	}
	// Whichever node a process is connected to, it hears.
	var all []<-chan keystore.Event
	for _, store := range stores {
		events, _ := watch(t, store)
		all = append(all, events)
	}
	for i := range 60 {
		id := keystore.ID{Issuer: fmt.Sprint("heard", i)}
		_, err := stores[i%3].Save(t.Context(), id, record(id, i), "")
		must(t, err)
		for _, events := range all {
			nextEvent(t, events, func(e keystore.Event) bool { return e.ID == id })
		}
	}
	wantSingleKeys(t, cluster)
}

// wantSingleKeys reads the log of every node: what the fleet sent names one key, is one of the
// documented commands, and nothing of it was refused.
func wantSingleKeys(t *testing.T, cluster *redisserver.Cluster) {
	t.Helper()
	seen := map[string]int{}
	allowed := strings.Fields(strings.ReplaceAll(aclCommands+" "+aclCluster, "+", "") + " hello auth cluster")
	for _, s := range cluster.Nodes {
		if refused := aclLog(t, s); len(refused) > 0 {
			t.Errorf("refused: %v", refused)
		}
		client := connect(t, patient(s))
		own := client.Do(t.Context(), "client", "id").Val()
		entries, err := client.SlowLogGet(t.Context(), -1).Result()
		must(t, err)
		for _, e := range entries {
			keys := 0
			for _, arg := range e.Args {
				if strings.HasPrefix(arg, "keychorus:1:") {
					keys++
				}
			}
			if keys == 0 {
				continue // an operator's, or the test's
			}
			command := strings.ToLower(e.Args[0])
			seen[command]++
			if keys > 1 || !slices.Contains(append(allowed, "migrate", "restore-asking"), command) {
				t.Errorf("connection %v saw %v", own, e.Args[:2])
			}
		}
	}
	for _, command := range []string{"getrange", "pttl", "set", "publish"} {
		if seen[command] == 0 {
			t.Errorf("the log has no %s: %v", command, seen)
		}
	}
}

func TestASlotThatMovesLosesNothing(t *testing.T) {
	t.Parallel()
	cluster, o := startCluster(t)
	store := newStore(t, closing(t, redis.NewClusterClient(o)))
	must(t, countUp(t, store, testID))
	name := nameOf(t, store, testID, "set")
	from, slot, err := cluster.Owner(t.Context(), name)
	must(t, err)

	ctx, stop := context.WithCancel(t.Context())
	var wins, refusals atomic.Int64
	wins.Add(1)
	var wg sync.WaitGroup
	for range 4 {
		store := newStore(t, closing(t, redis.NewClusterClient(o)))
		wg.Go(func() {
			for ctx.Err() == nil {
				switch err := countUp(t, store, testID); {
				case err == nil:
					wins.Add(1)
				case errors.Is(err, sealed.ErrRefused): // while the slot is on its way
					refusals.Add(1)
				case !errors.Is(err, keystore.ErrConflict):
					t.Error(err)
				}
			}
		})
	}
	for i := range 6 {
		a, b := (from+i)%3, (from+i+1)%3
		must(t, cluster.MoveSlot(t.Context(), slot, a, b, func(moved bool) {
			was := wins.Load()
			if !moved { // with its keys where they were, all goes on
				eventually(t, "somebody saves", func() bool { return wins.Load() > was })
			}
			// Reading goes on in any case.
			if _, _, err := store.Load(t.Context(), testID); err != nil {
				t.Errorf("Load, moved %v: %v", moved, err)
			}
			lease, hold, err := store.TryLease(t.Context(), keystore.ID{Issuer: "another"})
			if err != nil || lease == nil && hold.Left <= 0 {
				t.Errorf("TryLease elsewhere, moved %v: %+v, %v", moved, hold, err)
			}
		}))
		was := wins.Load()
		eventually(t, "somebody saves", func() bool { return wins.Load() > was+5 })
	}
	stop()
	wg.Wait()
	rec, _, err := store.Load(t.Context(), testID)
	must(t, err)
	if rec.Epoch != uint64(wins.Load()) {
		t.Errorf("%d saves won and the count is %d", wins.Load(), rec.Epoch)
	}
	t.Logf("%d saves, %d refused while the slot moved", wins.Load(), refusals.Load())
	wantSingleKeys(t, cluster)
}

func TestWithoutOneNodeTheOthersServe(t *testing.T) {
	t.Parallel()
	cluster, err := redisserver.StartCluster(t.Context(), "--cluster-require-full-coverage", "no")
	must(t, err)
	t.Cleanup(cluster.Stop)
	client := closing(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()}))
	var owners []int
	for i := range 30 {
		node, _, err := cluster.Owner(t.Context(), nameOf(t, newStore(t, client), keystore.ID{Issuer: fmt.Sprint(i)}, "set"))
		must(t, err)
		owners = append(owners, node)
	}
	must(t, cluster.Nodes[0].Kill())
	for i, node := range owners {
		id := keystore.ID{Issuer: fmt.Sprint(i)}
		_, err := newStore(t, client).Save(t.Context(), id, record(id, i), "") // a store that has not failed yet
		if down := node == 0; (err != nil) != down || down && !errors.Is(err, keystore.ErrUnavailable) {
			t.Errorf("ID %d on node %d: %v", i, node, err)
		}
	}
}
