package soak_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const audience = "https://api.example.test"

// estate is all issuers, behind one socket: tenants that come and go, each under a path of its
// own. It keeps nothing for a tenant but a number, so that whatever grows is not its own.
type estate struct {
	origin string
	pool   []*devissuer.Key // key material, which tenants share
	// Tenants from first to first+len(generations) are customers now; the generation of a
	// tenant counts its rotations.
	first       atomic.Int64
	generations []atomic.Int64

	fetches, open, mostOpen atomic.Int64
}

func newEstate(tb testing.TB, tenants int) *estate {
	tb.Helper()
	e := &estate{generations: make([]atomic.Int64, tenants)}
	for i := range 6 {
		k, err := devissuer.NewKey([]devissuer.Algorithm{devissuer.ES256, devissuer.EdDSA}[i%2], "")
		if err != nil {
			tb.Fatal(err)
		}
		e.pool = append(e.pool, k)
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	e.origin = "http://" + listener.Addr().String()
	server := &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second, ConnState: e.connection}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	tb.Cleanup(func() { _ = server.Close(); served.Wait() })
	return e
}

// connection counts those that are open.
func (e *estate) connection(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		n := e.open.Add(1)
		for most := e.mostOpen.Load(); n > most && !e.mostOpen.CompareAndSwap(most, n); most = e.mostOpen.Load() {
		}
	case http.StateClosed, http.StateHijacked:
		e.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

func (e *estate) url(tenant int64) string { return e.origin + "/t/" + strconv.FormatInt(tenant, 10) }

// tenantOf returns the number of an issuer, or -1.
func (e *estate) tenantOf(iss string) int64 {
	n, err := strconv.ParseInt(strings.TrimPrefix(iss, e.origin+"/t/"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (e *estate) customer(tenant int64) bool {
	first := e.first.Load()
	return tenant >= first && tenant < first+int64(len(e.generations))
}

func (e *estate) generation(tenant int64) *atomic.Int64 {
	return &e.generations[tenant%int64(len(e.generations))]
}

// leave lets the oldest tenant go and a new one come.
func (e *estate) leave() {
	e.generation(e.first.Load()).Store(0) // of the one that comes
	e.first.Add(1)
}

func (e *estate) key(tenant, generation int64) (*devissuer.Key, string) {
	return e.pool[(tenant+generation)%int64(len(e.pool))], fmt.Sprintf("%d:%d:%s", tenant, generation, strings.Repeat("ab:", 12))
}

// ServeHTTP publishes the key that a tenant signs with, and the one before.
func (e *estate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/t/"), "/jwks"), 10, 64)
	if err != nil || !e.customer(tenant) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	e.fetches.Add(1)
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	now := e.generation(tenant).Load()
	for g := max(now-1, 0); g <= now; g++ {
		key, kid := e.key(tenant, g)
		var member map[string]any
		if err := json.Unmarshal(key.JWK(), &member); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		member["kid"] = kid
		set.Keys = append(set.Keys, member)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(set)
}

// token is one that clients send.
type token struct {
	compact            string
	tenant, generation int64
	known              bool // accepted before
}

// mint makes a token of a tenant; serial makes it another one than those before.
func (e *estate) mint(tenant, serial int64) (token, error) {
	generation := e.generation(tenant).Load()
	key, kid := e.key(tenant, generation)
	now := time.Now().Unix()
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(fmt.Appendf(nil, `{"alg":%q,"kid":%q,"typ":"JWT"}`, key.Algorithm(), kid)) + "." +
		encode(fmt.Appendf(nil, `{"iss":%q,"sub":"user-%d","aud":[%q],"iat":%d,"exp":%d,"jti":"%d","scp":["read:books"]}`,
			e.url(tenant), serial, audience, now, now+86_400, serial))
	signature, err := key.Sign([]byte(input))
	if err != nil {
		return token{}, err
	}
	return token{input + "." + encode(signature), tenant, generation, false}, nil
}

// good tells whether a token has to be accepted.
func (e *estate) good(t token) bool {
	return e.customer(t.tenant) && e.generation(t.tenant).Load()-t.generation <= 1
}
