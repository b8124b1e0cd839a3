package rediskeystore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// The whole of it: verifiers, each with a store and a client of its own whose settings are
// those of the library, on one real server.

const apiAudience = "https://api.example.test"

type verifyingFleet struct {
	tb     testing.TB
	server *redisserver.Server
	issuer *devissuer.Issuer
	opts   []sealed.Option
	all    []*verifier.Verifier
}

func newVerifyingFleet(tb testing.TB, n int, opts ...sealed.Option) *verifyingFleet {
	tb.Helper()
	issuer, err := devissuer.New(testID.Issuer, devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(apiAudience))
	if err != nil {
		tb.Fatal(err)
	}
	f := &verifyingFleet{tb: tb, server: startServer(tb), issuer: issuer, opts: opts}
	for range n {
		f.all = append(f.all, f.start())
	}
	return f
}

func (f *verifyingFleet) start() *verifier.Verifier {
	f.tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: f.server.Addr()})
	store, err := New(client, newSecrets(f.tb, fleetSecret), f.opts...)
	if err != nil {
		f.tb.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: f.issuer.URL(), HTTPClient: &http.Client{Transport: f.issuer.RoundTripper()}}},
		Audiences: []string{apiAudience},
	}, verifier.WithKeyStore(store))
	if err != nil {
		f.tb.Fatal(err)
	}
	f.tb.Cleanup(func() {
		_ = v.Close()
		_ = client.Close()
	})
	return v
}

func (f *verifyingFleet) mint() string {
	f.tb.Helper()
	token, err := f.issuer.Mint(devissuer.Claims{"exp": time.Now().Unix() + 3600})
	if err != nil {
		f.tb.Fatal(err)
	}
	return token
}

// each lets all verify at the same time.
func (f *verifyingFleet) each(ctx context.Context, token string, judge func(replica int, err error)) {
	f.tb.Helper()
	var wg sync.WaitGroup
	for i, v := range f.all {
		wg.Go(func() {
			_, err := v.Verify(ctx, token)
			judge(i, err)
		})
	}
	wg.Wait()
}

func (f *verifyingFleet) accept(ctx context.Context, token string) {
	f.tb.Helper()
	f.each(ctx, token, func(i int, err error) {
		if err != nil {
			f.tb.Errorf("replica %d: %v", i, err)
		}
	})
}

// refuse wants all to refuse, or to say that nobody can tell now.
func (f *verifyingFleet) refuse(ctx context.Context, token string) {
	f.tb.Helper()
	f.each(ctx, token, func(i int, err error) {
		if !errors.Is(err, verifier.ErrInvalidToken) && !errors.Is(err, verifier.ErrUnavailable) {
			f.tb.Errorf("replica %d: %v", i, err)
		}
	})
}

func (f *verifyingFleet) wantFetches(what string, most int, do func()) {
	f.tb.Helper()
	before := f.issuer.Counts().JWKS
	do()
	if n := f.issuer.Counts().JWKS - before; n > most {
		f.tb.Errorf("%s: %d fetches, want at most %d", what, n, most)
	}
}

func TestAFleetOfVerifiersFetchesOnce(t *testing.T) {
	t.Parallel()
	// Counts, not times: on a busy machine a call may take longer than in a data centre.
	f := newVerifyingFleet(t, 32, sealed.WithTimeout(10*time.Second))
	ctx := t.Context()
	first := f.mint()
	f.wantFetches("a cold start", 1, func() { f.accept(ctx, first) })
	oldKey := f.issuer.Key().ID()
	if _, err := f.issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	second := f.mint()
	f.wantFetches("a rotation", 1, func() { f.accept(ctx, second) })
	f.wantFetches("a flood of made-up keys", 1, func() {
		stranger, err := devissuer.New(testID.Issuer, devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(apiAudience))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			made, err := stranger.Mint(devissuer.Claims{"exp": time.Now().Unix() + 3600})
			if err != nil {
				t.Fatal(err)
			}
			f.refuse(ctx, made)
			if _, err := stranger.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
	})
	f.wantFetches("a wiped server, an outage of the issuer, and a new replica", 0, func() {
		if err := f.server.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		f.issuer.Fail(http.StatusBadGateway)
		f.accept(ctx, second)
		eventually(t, "the record is put back", func() bool {
			reply, err := f.server.Do(ctx, "dbsize")
			return err == nil && fmt.Sprint(reply) != "0"
		})
		if _, err := f.start().Verify(ctx, second); err != nil {
			t.Errorf("a replica that started in the outage: %v", err)
		}
		f.issuer.Fail(0)
	})
	if err := f.all[3].RevokeKey(ctx, f.issuer.URL(), oldKey); err != nil {
		t.Fatal(err)
	}
	for i, v := range f.all {
		eventually(t, fmt.Sprintf("replica %d refuses the revoked key", i), func() bool {
			_, err := v.Verify(ctx, first)
			return errors.Is(err, verifier.ErrInvalidToken)
		})
	}
	f.accept(ctx, second)
}

// A known key waits for nothing: the context of these calls has ended, so that one that had
// to wait would say so.
func TestAFrozenServerDelaysNoVerification(t *testing.T) {
	t.Parallel()
	f := newVerifyingFleet(t, 32)
	token := f.mint()
	f.accept(t.Context(), token)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.server.Freeze(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		f.accept(ended, token)
	}
	// A new key is found without the server, by each on its own.
	if _, err := f.issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := f.mint()
	for i, v := range f.all {
		eventually(t, fmt.Sprintf("replica %d finds the new key", i), func() bool {
			_, err := v.Verify(t.Context(), fresh)
			return err == nil
		})
	}
	if err := f.server.Thaw(); err != nil {
		t.Fatal(err)
	}
	f.accept(ended, token)
}
