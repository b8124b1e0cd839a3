package soak_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// subject is what is soaked: a verifier of tenants with a token cache, and one of a single
// issuer with RSA keys that verifies every signature. Both share a Redis server.
type subject struct {
	*estate

	tenants, single *verifier.Verifier
	rsa             *devissuer.Issuer
	own             *http.Client // for tenants, whose addresses would have to be public otherwise
	server          *redisserver.Server
}

func newSubject(t *testing.T, tenants, cached int) *subject {
	t.Helper()
	s := &subject{estate: newEstate(t, tenants), own: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	var err error
	if s.server, err = redisserver.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.Stop)
	s.singleIssuer(t)
	store := s.store(t)
	s.tenants, err = verifier.New(verifier.Policy{Audiences: []string{audience}, Keys: verifier.KeyLifecycle{MaxDynamicSources: tenants + tenants/4}},
		verifier.WithKeyStore(store), verifier.WithTokenCache(cached), verifier.WithIssuerResolver(s.resolve))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.tenants.Close() })
	s.single, err = verifier.New(verifier.Policy{Issuers: []verifier.Issuer{{URL: s.rsa.URL()}}, Audiences: []string{audience}}, verifier.WithKeyStore(store))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.single.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 2)
	for _, v := range []*verifier.Verifier{s.tenants, s.single} {
		go func() { _ = v.Run(ctx); ended <- struct{}{} }()
	}
	t.Cleanup(func() { cancel(); <-ended; <-ended })
	return s
}

// resolve knows the customers of now.
func (s *subject) resolve(_ context.Context, iss string) (verifier.Issuer, bool, error) {
	n := s.tenantOf(iss)
	return verifier.Issuer{URL: iss, JWKSURL: iss + "/jwks", HTTPClient: s.own}, n >= 0 && s.customer(n), nil
}

func (s *subject) store(t *testing.T) *sealed.Store {
	t.Helper()
	secrets, err := sealed.NewSecrets([]byte(rand.Text() + rand.Text()))
	if err != nil {
		t.Fatal(err)
	}
	o := s.server.Options()
	o.PoolSize = 4
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	store, err := rediskeystore.New(client, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// connections counts those of Redis, without the one that asks.
func (s *subject) connections(t *testing.T) int {
	t.Helper()
	reply, err := s.server.Do(t.Context(), "client", "list")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := reply.(string)
	return strings.Count(list, "\n") - 1
}

// singleIssuer is on a socket of its own and signs with RSA.
func (s *subject) singleIssuer(t *testing.T) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.rsa, err = devissuer.New("http://"+listener.Addr().String(), devissuer.WithAudience(audience)); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.rsa, ReadHeaderTimeout: 5 * time.Second, ConnState: s.connection}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { _ = server.Close(); served.Wait() })
}
