package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func withCache(n int) []verifier.Option { return []verifier.Option{verifier.WithTokenCache(n)} }

func TestTokenCacheBounds(t *testing.T) {
	for n, ok := range map[int]bool{-1: false, 0: false, 1: true, 1 << 22: true, 1<<22 + 1: false} {
		v, err := verifier.New(goodPolicy(), verifier.WithTokenCache(n))
		if (err == nil) != ok || !ok && !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%d entries: %v", n, err)
		}
		if v != nil {
			_ = v.Close()
		}
	}
}

func TestTokenCacheHitAllocatesNothing(t *testing.T) {
	v, token := kindeShaped(t, verifier.WithTokenCache(1000))
	first, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.Verify(t.Context(), token)
	if err != nil || first != second {
		t.Fatalf("the second verification was no hit: %v", err)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = v.Verify(ctx, token) }); n > 0 {
		t.Errorf("a hit allocates %v times", n)
	}
}

// What ends a token ends it in the cache as well, at the same moment.
func TestCachedTokensEndInTime(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(t *testing.T, v *verifier.Verifier, iss *devissuer.Issuer)
		want verifier.Reason
	}{
		"expiry": {func(*testing.T, *verifier.Verifier, *devissuer.Issuer) { time.Sleep(51 * time.Second) }, verifier.ReasonExpired},
		"revoked key": {func(t *testing.T, v *verifier.Verifier, iss *devissuer.Issuer) {
			t.Helper()
			if err := v.RevokeKey(t.Context(), issuerURL, iss.Key().ID()); err != nil {
				t.Fatal(err)
			}
		}, verifier.ReasonDeniedKey},
		"purge, and the key withdrawn": {func(t *testing.T, v *verifier.Verifier, iss *devissuer.Issuer) {
			t.Helper()
			old := iss.Key().ID()
			if _, err := iss.Rotate(); err != nil {
				t.Fatal(err)
			}
			if err := iss.Withdraw(old); err != nil {
				t.Fatal(err)
			}
			if err := v.Purge(t.Context(), issuerURL); err != nil {
				t.Fatal(err)
			}
		}, verifier.ReasonUnknownKey},
		"closed": {func(_ *testing.T, v *verifier.Verifier, _ *devissuer.Issuer) { _ = v.Close() }, verifier.ReasonClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iss := tenant(t, issuerURL)
				v := verifierOf(t, withCache(100), fromIssuer(iss))
				token := mint(t, iss, devissuer.Claims{"exp": time.Now().Unix() + 20})
				for range 3 {
					wantReason(t, v, token, "")
				}
				c.end(t, v, iss)
				wantReason(t, v, token, c.want)
			})
		})
	}
}

// A withdrawn key is refused as soon as the refresh has seen it, in the cache too.
func TestCachedTokensEndWithTheirKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, withCache(100), fromIssuer(iss))
		old := iss.Key().ID()
		token := mint(t, iss, devissuer.Claims{"exp": time.Now().Unix() + 3600})
		wantReason(t, v, token, "")
		if _, err := iss.Rotate(); err != nil {
			t.Fatal(err)
		}
		if err := iss.Withdraw(old); err != nil {
			t.Fatal(err)
		}
		fresh := mint(t, iss, nil)
		time.Sleep(2 * time.Second)
		wantReason(t, v, token, "") // still cached, and its key not yet known to be gone
		wantReason(t, v, fresh, "") // its unknown kid brings the new keys
		wantReason(t, v, token, verifier.ReasonUnknownKey)
	})
}

// A hit asks everything that may change without the key: resolver, revocation, binding.
func TestCachedTokensAreJudgedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		var turnedAway, revoked atomic.Bool
		from := fromIssuer(iss)
		v := verifierOf(t, []verifier.Option{
			verifier.WithTokenCache(10),
			verifier.WithIssuerResolver(func(context.Context, string) (verifier.Issuer, bool, error) {
				return from, !turnedAway.Load(), nil
			}),
			verifier.WithRevocation(func(context.Context, *verifier.Token) (bool, error) { return revoked.Load(), nil }),
		})
		plain := mint(t, iss, nil)
		bound := mint(t, iss, devissuer.Claims{"cnf": map[string]string{"jkt": "thumbprint"}})
		proof := verifier.Confirmed(verifier.Confirmation{JWKThumbprint: "thumbprint"})
		wantReason(t, v, plain, "")
		if _, err := v.Verify(t.Context(), bound, proof); err != nil {
			t.Fatal(err)
		}
		wantReason(t, v, bound, verifier.ReasonBinding)
		revoked.Store(true)
		wantReason(t, v, plain, verifier.ReasonRevoked)
		revoked.Store(false)
		turnedAway.Store(true)
		wantReason(t, v, plain, verifier.ReasonIssuer)
		turnedAway.Store(false)
		wantReason(t, v, plain, "")
	})
}

// The age of a login is judged by the present, not by when the token was first seen.
func TestCachedTokensAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, withCache(10), fromIssuer(iss))
		token := mint(t, iss, devissuer.Claims{"auth_time": time.Now().Unix()})
		young := verifier.MaxAuthAge(10 * time.Second)
		check := func() error {
			verified, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			return verified.Require(t.Context(), young)
		}
		if err := check(); err != nil {
			t.Error(err)
		}
		time.Sleep(41 * time.Second) // 10 s and the leeway
		if err := check(); !errors.Is(err, verifier.ErrStepUp) {
			t.Errorf("a login of 41 s ago: %v", err)
		}
	})
}

func TestTokenCacheForgetsAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, withCache(10), fromIssuer(iss))
		token := mint(t, iss, nil)
		first, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			after time.Duration
			same  bool
		}{{59 * time.Second, true}, {2 * time.Second, false}} {
			time.Sleep(c.after)
			again, err := v.Verify(t.Context(), token)
			if err != nil || (again == first) != c.same {
				t.Errorf("after %v more: the same token %v, %v", c.after, again == first, err)
			}
		}
	})
}

// Servers such as fasthttp reuse the memory of a header for the next request.
func TestTokenCacheKeepsNothingOfTheCaller(t *testing.T) {
	iss := tenant(t, issuerURL)
	v := verifierOf(t, withCache(100), fromIssuer(iss))
	buffer := make([]byte, 4096)
	request := func(sub string) {
		token := mint(t, iss, devissuer.Claims{"sub": sub})
		n := copy(buffer, token)
		verified, err := v.Verify(t.Context(), unsafe.String(&buffer[0], n))
		if err != nil || verified.Subject() != sub {
			t.Fatalf("%q: %v", sub, err)
		}
		clear(buffer)
		if verified.Subject() != sub || verified.KeyID() != iss.Key().ID() || verified.Type() == "\x00\x00\x00" {
			t.Errorf("%q changed with the caller's memory", sub)
		}
		if again, err := v.Verify(t.Context(), token); err != nil || again.Subject() != sub {
			t.Errorf("%q again: %v", sub, err)
		}
	}
	for i := range 50 {
		request(fmt.Sprint("user-", i))
	}
}

func TestTokenCacheIsBounded(t *testing.T) {
	iss := tenant(t, issuerURL)
	v := verifierOf(t, withCache(1000), fromIssuer(iss))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	verify := func(n int) {
		for i := range n {
			if _, err := v.Verify(t.Context(), mint(t, iss, devissuer.Claims{"sub": fmt.Sprint(n, i)})); err != nil {
				t.Fatal(err)
			}
		}
	}
	verify(2000)
	before := heap()
	verify(10_000)
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("10,000 more tokens left %d bytes", grown)
	}
}

// Hits, misses, rotation and revocation at the same time, for the race detector.
func TestTokenCacheUnderRotation(t *testing.T) {
	iss := tenant(t, issuerURL)
	v := verifierOf(t, withCache(64), fromIssuer(iss))
	var tokens [32]string
	for i := range tokens {
		tokens[i] = mint(t, iss, devissuer.Claims{"sub": fmt.Sprint(i)})
	}
	denied := iss.Key().ID()
	wantReason(t, v, tokens[0], "")
	var revoked atomic.Bool
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				n := (i + w) % len(tokens)
				late := revoked.Load()
				verified, err := v.Verify(t.Context(), tokens[n])
				switch {
				case err == nil && late:
					t.Error("a token was accepted after its key was revoked")
				case err == nil && verified.Subject() != fmt.Sprint(n):
					t.Error("tokens were mixed up")
				}
			}
		})
	}
	if err := v.RevokeKey(t.Context(), issuerURL, denied); err != nil {
		t.Fatal(err)
	}
	revoked.Store(true)
	wg.Wait()
	wantReason(t, v, tokens[0], verifier.ReasonDeniedKey)
}
