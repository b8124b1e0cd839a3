package rediskeystore

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// stalled are clients, at their own settings, of servers that do not answer.
func stalled() map[string]func(testing.TB) redis.UniversalClient {
	frozen := func(tb testing.TB) string {
		tb.Helper()
		s := startServer(tb)
		must(tb, s.Freeze())
		return s.Addr()
	}
	return map[string]func(testing.TB) redis.UniversalClient{
		"client": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			return redis.NewClient(&redis.Options{Addr: frozen(tb)})
		},
		"client without a timeout": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			return redis.NewClient(&redis.Options{Addr: frozen(tb), ReadTimeout: -1, WriteTimeout: -1, PoolTimeout: time.Hour})
		},
		"client that was connected": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			s := startServer(tb)
			c := redis.NewClient(&redis.Options{Addr: s.Addr()})
			must(tb, c.Ping(tb.Context()).Err())
			must(tb, s.Freeze())
			return c
		},
		"recommended client": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			s := startServer(tb)
			must(tb, s.Freeze())
			return redis.NewClient(s.Options())
		},
		"cluster client": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{frozen(tb), frozen(tb), frozen(tb)}})
		},
		"cluster client that was connected": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			cluster, err := redisserver.StartCluster(tb.Context())
			must(tb, err)
			tb.Cleanup(cluster.Stop)
			c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()})
			must(tb, c.Ping(tb.Context()).Err())
			for _, s := range cluster.Nodes {
				must(tb, s.Freeze())
			}
			return c
		},
		"failover client": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			return redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{frozen(tb)}})
		},
		"ring": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			return redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": frozen(tb)}})
		},
		"TLS client of a black hole": func(tb testing.TB) redis.UniversalClient {
			tb.Helper()
			return redis.NewClient(&redis.Options{Addr: blackHole(tb), TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}})
		},
	}
}

// blackHole accepts connections and is silent.
func blackHole(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(tb, err)
	tb.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// labelled runs f so that the goroutines it starts can be counted.
func labelled(tb testing.TB, f func(context.Context)) (count func() int) {
	tb.Helper()
	mark := rand.Text()
	pprof.Do(tb.Context(), pprof.Labels("rediskeystore", mark), f)
	return func() int {
		var b strings.Builder
		must(tb, pprof.Lookup("goroutine").WriteTo(&b, 2))
		return strings.Count(b.String(), mark)
	}
}

// The client may block for 20 s, and for ever without timeouts. The store must not, and what
// it holds in the meantime is bounded.
func TestNoCallWaitsForTheClient(t *testing.T) {
	t.Parallel()
	for name, connect := range stalled() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := connect(t)
			store, err := New(client, newSecrets(t, fleetSecret)) // at its default of 100 ms
			must(t, err)
			var answered atomic.Int64
			count := labelled(t, func(ctx context.Context) {
				var wg sync.WaitGroup
				begun := time.Now()
				for i := range 200 {
					wg.Go(func() {
						if err := callOne(ctx, store, i); !errors.Is(err, keystore.ErrUnavailable) {
							t.Errorf("call %d: %v", i, err)
						}
						answered.Add(1)
					})
				}
				wg.Wait()
				// The deadline is 100 ms; what it must not be is the client's 5 s or more.
				if took := time.Since(begun); took > 4*time.Second {
					t.Errorf("200 calls took %v", took)
				}
			})
			if n := count(); n > 40 {
				t.Errorf("%d goroutines are left during the stall", n)
			}
			if n := client.PoolStats().TotalConns; n > 64 {
				t.Errorf("%d connections", n)
			}
			_ = client.Close()
			eventually(t, "all goroutines have ended", func() bool { return count() == 0 })
		})
	}
}

// callOne makes one of the calls of a store.
func callOne(ctx context.Context, store *sealed.Store, i int) error {
	switch i % 4 {
	case 0:
		_, _, err := store.Load(ctx, testID)
		return err
	case 1:
		_, err := store.Save(ctx, testID, record(testID, i), "")
		return err
	case 2:
		_, _, err := store.TryLease(ctx, testID)
		return err
	default:
		_, err := store.Once(ctx, "proof", time.Minute)
		return err
	}
}

// counting counts how often a client is asked to read; it opens connections besides.
type counting struct{ reads atomic.Int64 }

func (c *counting) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (c *counting) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (c *counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "getrange" {
			c.reads.Add(1)
		}
		return next(ctx, cmds)
	}
}

func TestAStallCostsFewCallsAndPasses(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := closing(t, redis.NewClient(&redis.Options{Addr: s.Addr()}))
	counter := &counting{}
	client.AddHook(counter)
	store, err := New(client, newSecrets(t, fleetSecret))
	must(t, err)
	eventually(t, "a save", func() bool {
		_, err := store.Save(t.Context(), testID, record(testID, 1), "")
		return err == nil || errors.Is(err, keystore.ErrConflict)
	})
	must(t, s.Freeze())
	counter.reads.Store(0)
	calls, thaw := 0, time.After(8*time.Second)
	for frozen := true; frozen; calls++ {
		if _, _, err := store.Load(t.Context(), testID); !errors.Is(err, keystore.ErrUnavailable) {
			t.Fatalf("Load from a frozen server: %v", err)
		}
		select {
		case <-thaw:
			frozen = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	// Three that open the breaker, and one for each of its rests: 0.25, 0.5, 1, 2, 4 s.
	if sent := counter.reads.Load(); sent < 4 || sent > 10 {
		t.Errorf("%d of %d calls went to a frozen server, want about 8", sent, calls)
	}
	if !store.Stats().Resting {
		t.Error("Stats does not tell")
	}
	must(t, s.Thaw())
	eventually(t, "the store works again", func() bool {
		_, _, err := store.Load(t.Context(), testID)
		return err == nil
	})
	if store.Stats().Resting {
		t.Error("it works and still rests")
	}
}

// A server that answers, but will not write, is read from as before.
func TestRefusedWritesDoNotStopReading(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	store := newStore(t, connect(t, patient(s)))
	v := mustSave(t, store, 1, "")
	do(t, s, "config", "set", "min-replicas-to-write", "1")
	for range 20 {
		_, err := store.Save(t.Context(), testID, record(testID, 2), v)
		wantErr(t, "Save", err, keystore.ErrUnavailable)
		wantErr(t, "Save", err, sealed.ErrRefused)
		lease, _, err := store.TryLease(t.Context(), testID)
		if wantErr(t, "TryLease", err, keystore.ErrUnavailable); lease != nil {
			t.Error("a lease was granted that is not stored")
		}
		first, err := store.Once(t.Context(), "proof", time.Minute)
		if wantErr(t, "Once", err, keystore.ErrUnavailable); first {
			t.Error("a first use that is not stored")
		}
		wantRecord(t, store, 1)
	}
	do(t, s, "config", "set", "min-replicas-to-write", "0")
	mustSave(t, store, 2, v)
}
