package main

import (
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/keystore"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// patience is far longer than Redis needs, since machines under test are busy.
const patience = 5 * time.Second

// newGuard returns a guard, and what closes the store behind it.
func newGuard(s *settings, v *verifier.Verifier) (*guard.Guard, func() error, error) {
	var opts []guard.Option
	closeStore := func() error { return nil }
	if s.dpop {
		d := guard.DPoP{Origin: s.origin}
		if secret := os.Getenv("BOUNDAPI_NONCE_SECRET"); secret != "" {
			d.NonceSecret = []byte(secret)
		}
		if s.redis != "" {
			replay, closeClient, err := newReplay(s.redis)
			if err != nil {
				return nil, nil, err
			}
			d.Replay, closeStore = replay, closeClient
		}
		opts = append(opts, guard.WithDPoP(d))
	}
	if s.mtls {
		opts = append(opts, guard.WithMTLS())
	}
	if s.proxies != "" {
		opts = append(opts, guard.WithTrustedProxies(guard.Proxies{
			Networks: strings.Split(s.proxies, ","), Certificate: "Client-Cert", Host: "X-Forwarded-Host",
		}))
	}
	g, err := guard.New(v, opts...)
	if err != nil {
		_ = closeStore()
		return nil, nil, err
	}
	return g, closeStore, nil
}

func newReplay(addr string) (keystore.Replay, func() error, error) {
	secrets, err := sealed.NewSecrets([]byte(os.Getenv("BOUNDAPI_FLEET_SECRET")))
	if err != nil {
		return nil, nil, err
	}
	client := redis.NewClient(&redis.Options{
		Addr: addr, DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, MaxRetries: -1, DialerRetries: 1,
	})
	store, err := rediskeystore.New(client, secrets, sealed.WithTimeout(patience))
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return store, client.Close, nil
}
