//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// What a replica is told by its environment, as in production.
const (
	envRedis   = "FLEET_REDIS"  // host and port; of the sentinels, with commas between, if there is a master
	envMaster  = "FLEET_MASTER" // what sentinels call it; optional
	envIssuer  = "FLEET_ISSUER"
	envRefresh = "FLEET_REFRESH" // verifier.KeyLifecycle.RefreshInterval, such as 30s; optional
	envSecret  = "KEYCHORUS_FLEET_SECRET"
)

const (
	audience  = "https://api.fleet.example"
	listening = "listening "
)

// replicaMain is a process of its own. It ends with stdin, so that none outlives the program
// that started it.
func replicaMain(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	err := serveReplica(ctx, stdout)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "replica:", err)
		return 1
	}
	return 0
}

// serveReplica is all that an API needs to be one of a fleet.
func serveReplica(ctx context.Context, stdout io.Writer) error {
	store, closeStore, err := openStore(os.Getenv(envRedis), os.Getenv(envMaster), os.Getenv(envSecret))
	if err != nil {
		return err
	}
	defer closeStore()
	policy := policyOf(os.Getenv(envIssuer))
	if interval := os.Getenv(envRefresh); interval != "" {
		if policy.Keys.RefreshInterval, err = time.ParseDuration(interval); err != nil {
			return err
		}
	}
	v, err := verifier.New(policy, verifier.WithKeyStore(store))
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	g, err := guard.New(v, guard.WithRealm("fleet"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hello", httpauth.Protect(g)(http.HandlerFunc(hello)))
	mux.Handle("GET /healthz", httpauth.Health(v))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() { _ = v.Run(ctx) }) // refresh and follow the fleet also while nobody calls
	return serve(ctx, listener, mux, func() { _, _ = fmt.Fprintf(stdout, "%shttp://%s\n", listening, listener.Addr()) })
}

func hello(w http.ResponseWriter, r *http.Request) {
	token, _ := verifier.TokenFromContext(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "hello, %q\n", token.Subject())
}

// serve serves until ctx ends. ready is called once connections are accepted.
func serve(ctx context.Context, listener net.Listener, h http.Handler, ready func()) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	_ = server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func policyOf(issuer string) verifier.Policy {
	return verifier.Policy{Issuers: []verifier.Issuer{{URL: issuer}}, Audiences: []string{audience}}
}

// openStore opens what the fleet shares. The settings are those that package rediskeystore
// recommends; any others do as well, since the store bounds every call itself.
func openStore(servers, master, secret string) (store *sealed.Store, shut func(), err error) {
	secrets, err := sealed.NewSecrets([]byte(secret))
	if err != nil {
		return nil, nil, err
	}
	const limit = 100 * time.Millisecond
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: strings.Split(servers, ","), MasterName: master, DialTimeout: limit, ReadTimeout: limit, WriteTimeout: limit, PoolTimeout: limit,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, PoolSize: 4, DisableIdentity: true,
	})
	store, err = rediskeystore.New(client, secrets)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, func() { _ = client.Close() }, nil
}
