package fleet_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// frozen is a server that does not answer, under clients with their defaults.
type frozen struct {
	replicas               int
	length                 time.Duration
	known, control         waits // with the store, and on as many verifiers without any
	loads                  int
	longestLoad, ownClient time.Duration
}

// waits are verifications of tokens under known keys.
type waits struct {
	mu                      sync.Mutex
	requests, lost, blocked int
	longest                 time.Duration
}

// blockedFor is what no such verification needs on an idle machine, and every call that waits
// for the store takes.
const blockedFor = 100 * time.Millisecond

// keep verifies the token until end.
func (w *waits) keep(ctx context.Context, v *verifier.Verifier, token string, end time.Time) {
	for time.Now().Before(end) {
		began := time.Now()
		_, err := v.Verify(ctx, token)
		took := time.Since(began)
		w.mu.Lock()
		w.requests++
		w.longest = max(w.longest, took)
		if err != nil {
			w.lost++
		}
		if took >= blockedFor {
			w.blocked++
		}
		w.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
}

// freeze stops the server for a while, during which every replica verifies good tokens.
func freeze(t *testing.T, n int, length time.Duration) *frozen {
	t.Helper()
	g := newGroup(t, n, untouched)
	g.cold()
	g.subscribed()
	policy := g.origin.policy("")
	policy.Issuers[0].StaticJWKS = g.origin.JWKS()
	client := redis.NewClient(untouched.client(g.server))
	defer func() { _ = client.Close() }()
	store, err := rediskeystore.New(client, newSecrets(t, "first"))
	if err != nil {
		t.Fatal(err)
	}
	id := keystore.ID{Issuer: g.origin.URL()}
	if _, _, err := store.Load(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	f := &frozen{replicas: n, length: length}
	if err := g.server.Freeze(); err != nil {
		t.Fatal(err)
	}
	end, token := time.Now().Add(length), g.origin.token()
	var wg sync.WaitGroup
	for _, r := range g.replicas {
		alone, err := verifier.New(policy)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { f.known.keep(t.Context(), r.Verifier, token, end) })
		wg.Go(func() { f.control.keep(t.Context(), alone, token, end) })
	}
	wg.Go(func() { // the client by itself
		began := time.Now()
		_ = client.Get(t.Context(), "any").Err()
		f.ownClient = time.Since(began)
	})
	f.load(t.Context(), store, id, end)
	if err := g.server.Thaw(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	f.judge(t)
	return f
}

// load times the store by itself.
func (f *frozen) load(ctx context.Context, store *sealed.Store, id keystore.ID, end time.Time) {
	for time.Now().Before(end) {
		began := time.Now()
		_, _, _ = store.Load(ctx, id)
		f.longestLoad = max(f.longestLoad, time.Since(began))
		f.loads++
		time.Sleep(10 * time.Millisecond)
	}
}

// judge fails what lost a request. Times are judged only where they are written down: whether a
// busy machine was the reason shows in the verifiers without a store.
func (f *frozen) judge(t *testing.T) {
	t.Helper()
	if f.known.lost+f.control.lost > 0 {
		t.Errorf("%d verifications lost while the server was frozen, %d without a store", f.known.lost, f.control.lost)
	}
	if *write != "" && (f.known.blocked > f.control.blocked+f.known.requests/1000 || f.longestLoad > 250*time.Millisecond) {
		t.Errorf("%d verifications blocked, %d without a store; longest store call %v", f.known.blocked, f.control.blocked, f.longestLoad)
	}
	t.Logf("%+v", f)
}
