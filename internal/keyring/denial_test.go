package keyring_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

func TestRevokedKeyStaysDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		store := memory.New()
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "b", 0)
		if err := s.Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		for range 20 { // whatever the issuer publishes, for many refreshes
			wantCode(t, s, "b", keyring.Denied)
			wantCode(t, s, "a", 0)
			time.Sleep(150 * time.Second)
		}
		wantCode(t, source(t, f, keyring.Config{}, store), "b", keyring.Denied) // a new process
	})
}

// The same key material under another kid is the same key.
func TestRevocationFollowsTheThumbprint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "b", 0)
		if err := s.Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		f.change(func() { f.document = renamed(t, "b", "c") })
		time.Sleep(2 * time.Second)
		wantCode(t, s, "c", keyring.Denied)
	})
}

func TestRevocationReachesOthersThroughTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		store := memory.New()
		one, other := source(t, f, keyring.Config{}, store), source(t, f, keyring.Config{}, store)
		wantCode(t, one, "b", 0)
		settle()
		wantCode(t, other, "b", 0)
		if err := one.Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		revoked := time.Now()
		for lookUp(t, other, "b") == 0 {
			if time.Since(revoked) > 20*time.Second {
				t.Fatal("the other process still accepts the key")
			}
			time.Sleep(time.Second)
		}
		wantCode(t, other, "a", 0)
	})
}

func TestRevocationRidesTheNextSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		store := &troubledStore{KeyStore: memory.New()}
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "b", 0)
		store.spoil(nil, func(context.Context) (keystore.Version, error) { return "", keystore.ErrUnavailable })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var ke *keyring.Error
		if err := s.Revoke(ctx, "b"); !errors.As(err, &ke) || ke.Code != keyring.Unavailable {
			t.Errorf("revoking without a store: %v", err)
		}
		wantCode(t, s, "b", keyring.Denied) // it holds here
		store.spoil(nil, nil)
		time.Sleep(290 * time.Second)
		wantCode(t, s, "a", 0) // starts the refresh
		time.Sleep(time.Second)
		rec, _, err := store.Load(t.Context(), issuerID)
		if err != nil || len(rec.Denied) != 2 {
			t.Errorf("the record denies %v, error %v; want the kid and its thumbprint", rec.Denied, err)
		}
	})
}

// An old record that comes back takes no denial away.
func TestReplayedRecordResurrectsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		store := memory.New()
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "b", 0)
		settle()
		old, _, err := store.Load(t.Context(), issuerID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Revoke(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		_, version, err := store.Load(t.Context(), issuerID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Save(t.Context(), issuerID, old, version); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			wantCode(t, s, "b", keyring.Denied)
			time.Sleep(10 * time.Second)
		}
	})
}

func TestDenyListIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := source(t, newFakeIssuer("a"), keyring.Config{})
		wantCode(t, s, "a", 0)
		for i := range 64 {
			if err := s.Revoke(t.Context(), "kid-"+strconv.Itoa(i)); err != nil {
				t.Fatalf("entry %d: %v", i+1, err)
			}
		}
		if err := s.Revoke(t.Context(), "kid-65"); !errors.Is(err, keyring.ErrDenyListFull) {
			t.Errorf("the 65th entry: %v", err)
		}
		wantCode(t, s, "kid-7", keyring.Denied)
		wantCode(t, s, "a", 0)
	})
}

func TestPurgeAsksTheIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		store := memory.New()
		s, other := source(t, f, keyring.Config{}, store), source(t, f, keyring.Config{}, store)
		wantCode(t, s, "b", 0)
		settle()
		wantCode(t, other, "b", 0)
		f.publish("a")
		if err := s.Purge(t.Context()); err != nil { // at once, cool-down or not
			t.Fatal(err)
		}
		wantFetches(t, f, 2)
		wantCode(t, s, "a", 0)
		if code := lookUp(t, s, "b"); code == 0 {
			t.Error("the withdrawn key survived the purge")
		}
		time.Sleep(20 * time.Second)
		wantCode(t, other, "a", 0)
		synctest.Wait()
		if code := lookUp(t, other, "b"); code == 0 {
			t.Error("the withdrawn key survived elsewhere")
		}
	})
}

func TestPurgeInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.fail(errDown)
		time.Sleep(290 * time.Second)
		wantCode(t, s, "a", 0) // starts a refresh, which fails
		time.Sleep(time.Second)
		before := f.count()
		var ke *keyring.Error
		if err := s.Purge(t.Context()); !errors.As(err, &ke) || ke.Code != keyring.Unavailable || ke.RetryAfter < 10*time.Second {
			t.Errorf("purge in the cool-down of a failure: %v", err)
		}
		if f.count() != before {
			t.Error("a purge passed the cool-down of a failure")
		}
		wantCode(t, s, "a", keyring.Unavailable) // not confirmed
		if h := s.Health(); h.Usable || h.Problem == "" {
			t.Errorf("health %+v", h)
		}
		f.fail(nil)
		time.Sleep(25 * time.Second)
		wantCode(t, s, "a", 0)
	})
}

// An answer that was on its way when the purge came does not confirm anything.
func TestPurgeDuringAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "b", 0)
		time.Sleep(290 * time.Second)
		f.change(func() { f.latency = 2 * time.Second })
		wantCode(t, s, "a", 0) // starts the refresh
		time.Sleep(time.Second)
		if err := s.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFetches(t, f, 3)
		wantCode(t, s, "a", 0)
	})
}
