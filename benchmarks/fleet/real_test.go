package fleet_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// group is a number of real replicas of one process: nothing is shared but the processor.
type group struct {
	*testing.T
	origin   *origin
	server   *redisserver.Server // nil if every replica keeps its keys to itself
	replicas []*replica
}

type replica struct {
	*verifier.Verifier
	listener
}

// listener hears from a replica's log when it learns a key.
type listener struct {
	mu      *sync.Mutex
	learned map[string]time.Time
}

func (l listener) Enabled(context.Context, slog.Level) bool { return true }
func (l listener) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l listener) WithGroup(string) slog.Handler            { return l }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if kids, ok := a.Value.Any().([]string); ok && a.Key == "added" {
			for _, kid := range kids {
				l.learned[kid] = now
			}
		}
		return true
	})
	return nil
}

func (l listener) when(kid string) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.learned[kid]
	return at, ok
}

// setup is how the replicas of a group reach the server.
type setup struct {
	client func(s *redisserver.Server) *redis.Options
	store  []sealed.Option
}

// crowded is for a thousand replicas on one machine, which are as many as a processor has to
// do for at once: small pools, and time. With a machine of its own each would do with the
// defaults.
var crowded = &setup{
	func(s *redisserver.Server) *redis.Options {
		o := s.Options()
		o.PoolSize, o.MaxActiveConns = 2, 2
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 10*time.Second, 10*time.Second, 10*time.Second, 10*time.Second
		return o
	},
	[]sealed.Option{sealed.WithTimeout(time.Second)},
}

// untouched are the defaults of go-redis and of the store.
var untouched = &setup{func(s *redisserver.Server) *redis.Options { return &redis.Options{Addr: s.Addr()} }, nil}

// newGroup makes n replicas over one server, or over none. They do nothing yet.
func newGroup(t *testing.T, n int, how *setup) *group {
	t.Helper()
	listen, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &group{T: t, origin: newOrigin(t, "http://"+listen.Addr().String())}
	web := &http.Server{Handler: g.origin, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(listen) }()
	t.Cleanup(func() { _ = web.Close() })
	if how != nil {
		if g.server, err = redisserver.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.server.Stop)
	}
	for range n {
		g.add(how)
	}
	return g
}

// add makes a replica with a client and a store of its own.
func (g *group) add(how *setup) {
	r := &replica{listener: listener{&sync.Mutex{}, map[string]time.Time{}}}
	opts := []verifier.Option{verifier.WithLogger(slog.New(r.listener))}
	if g.server != nil {
		client := redis.NewClient(how.client(g.server))
		g.Cleanup(func() { _ = client.Close() })
		if err := client.Ping(g.Context()).Err(); err != nil { // connected before the first event
			g.Fatal(err)
		}
		store, err := rediskeystore.New(client, newSecrets(g, "first"), how.store...)
		if err != nil {
			g.Fatal(err)
		}
		opts = append(opts, verifier.WithKeyStore(store))
	}
	policy := g.origin.policy("")
	policy.Keys.ColdWait, policy.Keys.UnknownKidWait = time.Minute, time.Minute // requests are counted, not hurried
	v, err := verifier.New(policy, opts...)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { _ = v.Close() })
	r.Verifier = v
	g.replicas = append(g.replicas, r)
}

// all verifies a token on every replica at once, and returns when each had accepted it.
func (g *group) all(token string) []time.Time {
	g.Helper()
	at := make([]time.Time, len(g.replicas))
	errs := make([]error, len(g.replicas))
	var wg sync.WaitGroup
	for i, r := range g.replicas {
		wg.Go(func() {
			_, errs[i] = r.Verify(g.Context(), token)
			at[i] = time.Now()
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			g.Fatalf("replica %d: %v", i, err)
		}
	}
	return at
}

// commands counts what replicas have sent, without what connecting takes.
func (g *group) commands() int {
	g.Helper()
	if g.server == nil {
		return 0
	}
	reply, err := g.server.Do(g.Context(), "INFO", "commandstats")
	text, ok := reply.(string)
	if err != nil || !ok {
		g.Fatal(reply, err)
	}
	n := 0
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		switch name {
		case "getrange", "pttl", "set", "watch", "unwatch", "multi", "exec", "discard", "publish", "subscribe", "ping":
			c, err := strconv.Atoi(calls)
			if err != nil {
				g.Fatal(err)
			}
			n += c
		}
	}
	return n
}

// measured is what one event took in a group.
type measured struct {
	fetches  int
	commands float64         // per replica
	delays   []time.Duration // from when the issuer was asked to each acceptance
}

// event does something and measures it. The last fetch counts as the one that was waited for.
func (g *group) event(do func() []time.Time) measured {
	g.Helper()
	before, began := g.commands(), time.Now()
	at := do()
	fetches := g.origin.since(began)
	if len(fetches) == 0 {
		g.Fatal("nobody asked the issuer")
	}
	m := measured{fetches: len(fetches), commands: float64(g.commands()-before) / float64(len(g.replicas))}
	for _, t := range at {
		m.delays = append(m.delays, t.Sub(fetches[0]))
	}
	return m
}

// cold is the first request of every replica at once.
func (g *group) cold() measured {
	g.Helper()
	return g.event(func() []time.Time { return g.all(g.origin.token()) })
}

// rotateAtOnce is a new key whose first tokens reach all replicas at once.
func (g *group) rotateAtOnce() measured {
	g.Helper()
	time.Sleep(1200 * time.Millisecond) // the cool-down after a fetch
	token := g.origin.rotated()
	return g.event(func() []time.Time { return g.all(token) })
}

// rotatePushed is a new key that one replica meets first, and that reaches the others before
// its tokens do.
func (g *group) rotatePushed() measured {
	g.Helper()
	time.Sleep(1200 * time.Millisecond)
	token := g.origin.rotated()
	kid := g.origin.Key().ID()
	return g.event(func() []time.Time {
		if _, err := g.replicas[0].Verify(g.Context(), token); err != nil {
			g.Fatal(err)
		}
		at := make([]time.Time, len(g.replicas))
		for i, r := range g.replicas {
			for known := false; !known; {
				if at[i], known = r.when(kid); !known {
					time.Sleep(time.Millisecond)
				}
			}
		}
		g.all(token)
		return at
	})
}

// quantiles returns p50 and p99.
func quantiles(d []time.Duration) (p50, p99 time.Duration) {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2], d[len(d)*99/100]
}
