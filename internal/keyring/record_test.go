package keyring_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

func TestSecondRingUsesTheStoredRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		store := memory.New()
		wantCode(t, source(t, f, keyring.Config{}, store), "a", 0)
		settle()
		wantCode(t, source(t, f, keyring.Config{}, store), "a", 0)
		wantFetches(t, f, 1)
	})
}

func TestBootInAnOutageFromAnOldRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		store := memory.New()
		wantCode(t, source(t, f, keyring.Config{}, store), "a", 0)
		time.Sleep(time.Hour)
		f.fail(errDown)
		wantCode(t, source(t, f, keyring.Config{}, store), "a", 0)
		wantFetches(t, f, 2)
		f.change(func() { f.err, f.hang = nil, make(chan struct{}) })
		before := time.Now()
		wantCode(t, source(t, f, keyring.Config{}, store), "a", 0)
		if waited := time.Since(before); waited != 3*time.Second {
			t.Errorf("waited %v for a hung issuer, want ColdWait", waited)
		}
		f.change(func() { close(f.hang); f.hang = nil })
	})
}

func TestConditionalRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		f.etag = `"v1"`
		s := source(t, f, keyring.Config{})
		for range 3 {
			wantCode(t, s, "a", 0)
			time.Sleep(290 * time.Second)
		}
		wantCode(t, s, "a", 0)
		if got := f.request(1).ETag; got != `"v1"` {
			t.Errorf("the refresh sent ETag %q", got)
		}
		if h := s.Health(); h.Age > 300*time.Second {
			t.Errorf("a 304 did not re-date the keys: age %v", h.Age)
		}
		time.Sleep(2 * time.Second)
		_ = lookUp(t, s, "b") // a new key is looked for without validators
		if r := f.request(-1); r.ETag != "" || !r.NoCache {
			t.Errorf("the attempt for a new key was conditional: %+v", r)
		}
	})
}

func TestMovedKeysAreFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.fail(&jwks.FetchError{Code: jwks.Status, Status: 404})
		f.change(func() {
			f.discoverer = func() (string, error) {
				f.fail(nil)
				return issuerURL + "/moved", nil
			}
		})
		time.Sleep(290 * time.Second)
		wantCode(t, s, "a", 0)
		synctest.Wait()
		time.Sleep(time.Second)
		if h := s.Health(); h.Age > 2*time.Second {
			t.Errorf("the moved keys were not fetched: age %v", h.Age)
		}
	})
}

type failingStore struct{ err error }

func (s failingStore) Load(context.Context, keystore.ID) (*keystore.Record, keystore.Version, error) {
	return nil, "", s.err
}

func (s failingStore) Save(context.Context, keystore.ID, *keystore.Record, keystore.Version) (keystore.Version, error) {
	return "", s.err
}

func TestStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{}, failingStore{errors.New("store down")})
		wantCode(t, s, "a", 0)
		wantFetches(t, f, 1)
		if h := s.Health(); h.Problem == "" {
			t.Error("health does not tell of the store")
		}
	})
}

// A shared store is looked at every 15 s, give or take, however many requests there are; a
// store of one's own only when the issuer is about to be asked.
func TestStoreIsPolledInBounds(t *testing.T) {
	for shared, bounds := range map[bool][2]int{true: {200, 320}, false: {10, 40}} {
		synctest.Test(t, func(t *testing.T) {
			cfg, err := keyring.Config{}.Check()
			if err != nil {
				t.Fatal(err)
			}
			f, store := newFakeIssuer("a"), &troubledStore{KeyStore: memory.New()}
			ring := keyring.New(cfg, keyring.Options{Store: store, Shared: shared})
			defer ring.Close()
			s := ring.Source(issuerID, f, nil)
			for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(500 * time.Millisecond) {
				wantCode(t, s, "a", 0)
			}
			settle()
			store.mu.Lock()
			defer store.mu.Unlock()
			if n := store.calls; n < bounds[0] || n > bounds[1] {
				t.Errorf("shared %v: %d calls of the store in an hour, want %d to %d", shared, n, bounds[0], bounds[1])
			}
		})
	}
}
