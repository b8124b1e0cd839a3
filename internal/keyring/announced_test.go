package keyring_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// announcer is a store that several processes share, which tells what a test lets it tell.
type announcer struct {
	troubledStore

	hear chan func(keystore.Event)
}

func (a *announcer) TryLease(context.Context, keystore.ID) (keystore.Lease, keystore.Hold, error) {
	return freeLease{}, keystore.Hold{}, nil
}

func (a *announcer) Watch(ctx context.Context, on func(keystore.Event)) error {
	select {
	case a.hear <- on:
	case <-ctx.Done():
	}
	<-ctx.Done()
	return ctx.Err()
}

type freeLease struct{}

func (freeLease) End(context.Context, keystore.Outcome, time.Duration) error { return nil }

func (a *announcer) loads() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

// What a store announces is looked at: the record that comes with it, or the store within a
// moment; for who is meant, and for nobody else.
func TestAnnouncementsAreForWhomTheyName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := keyring.Config{}.Check()
		if err != nil {
			t.Fatal(err)
		}
		store := &announcer{troubledStore: troubledStore{KeyStore: memory.New()}, hear: make(chan func(keystore.Event))}
		ring := keyring.New(cfg, keyring.Options{Store: store, Shared: true})
		defer ring.Close()
		f := newFakeIssuer("a")
		s := ring.Source(issuerID, f, nil)
		ring.Keep(s)
		static, err := ring.Static(keystore.ID{Issuer: "static"}, document("a"), nil)
		if err != nil {
			t.Fatal(err)
		}
		ring.Keep(static)
		wantCode(t, s, "a", 0)
		hear := <-store.hear
		guest := admit(ring, "guest", f)
		wantCode(t, guest, "a", 0)
		settle()
		rec, version, err := store.Load(t.Context(), keystore.ID{Issuer: "guest"})
		if err != nil {
			t.Fatal(err)
		}
		denying := func(kid string, id keystore.ID) keystore.Event {
			news := *rec
			news.ID, news.Denied = id, []string{kid}
			return keystore.Event{ID: id, Record: &news, Version: version}
		}
		hear(denying("a", keystore.ID{Issuer: "nobody"}))
		hear(denying("a", keystore.ID{Issuer: "static"}))
		hear(denying("a", keystore.ID{Issuer: "guest", JWKSURL: "https://else.test"}))
		for _, source := range []*keyring.Source{s, static, guest} {
			wantCode(t, source, "a", 0)
		}
		hear(denying("a", keystore.ID{Issuer: "guest"}))
		wantCode(t, guest, "a", keyring.Denied)
		wantCode(t, s, "a", 0)
		for name, step := range map[string]struct {
			event keystore.Event
			looks int
		}{
			"a change without its record": {keystore.Event{ID: issuerID}, 1}, "a gap": {keystore.Event{ID: issuerID, Record: rec, Gap: true}, 1},
			"a gap of everything": {keystore.Event{Gap: true}, 2}, "nobody's": {keystore.Event{ID: keystore.ID{Issuer: "nobody"}}, 0},
			"static keys": {keystore.Event{ID: keystore.ID{Issuer: "static"}}, 0},
		} {
			before := store.loads()
			hear(step.event)
			time.Sleep(time.Second)
			if n := store.loads() - before; n < step.looks || n > 2*step.looks { // a reminder of the guest's denial may follow
				t.Errorf("%s: %d calls of the store, want %d", name, n, step.looks)
			}
		}
		time.Sleep(2 * time.Hour)
		before := store.loads()
		hear(keystore.Event{Gap: true})
		time.Sleep(time.Second)
		if n := store.loads() - before; n != 0 {
			t.Errorf("%d calls of the store for issuers that nobody uses", n)
		}
		wantFetches(t, f, 2)
		if !slices.Equal(s.Health().KeyIDs, []string{"a"}) {
			t.Errorf("health %+v", s.Health())
		}
	})
}
