package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// observed is a ring with one source, whose transitions are noted.
func observed(t *testing.T, f keyring.Fetcher, store keystore.KeyStore) (*keyring.Source, *keyring.Ring, *[]string) {
	t.Helper()
	cfg, err := keyring.Config{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	events := new([]string)
	ring := keyring.New(cfg, keyring.Options{Store: store, Shared: true, Observe: func(e keyring.Event) {
		*events = append(*events, fmt.Sprint(e.Kind, " +", e.Added, " -", e.Removed, " ", e.Skipped, " ", e.Problem))
	}})
	t.Cleanup(ring.Close)
	s := ring.Source(issuerID, f, nil)
	ring.Keep(s)
	return s, ring, events
}

// A transition is told once, whatever number of attempts it takes.
func TestTransitionsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a", "b"), &troubledStore{KeyStore: memory.New()}
		s, _, events := observed(t, f, store)
		use := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				wantCode(t, s, "a", 0)
			}
			settle()
		}
		var want []string
		for _, step := range []struct {
			name string
			do   func()
			want string
		}{
			{"at first", func() {}, "1 +[a b] -[] [] "},
			{"a key goes, a bad one comes", func() { f.change(func() { f.document = beside("a", `{"kty":"oct","k":"AA"}`) }) }, "1 +[] -[b] [] "},
			{"the issuer fails", func() { f.fail(errDown) }, "3 +[] -[] [] the last refresh failed: " + errDown.Error()},
			{"it stays so", func() { use(3 * time.Minute) }, "3 +[] -[] [] the keys are stale: " + errDown.Error()},
			{"all is well", func() { f.fail(nil) }, "3 +[] -[] [] "},
			{"the store fails", func() { store.spoil(hungLoad, hungSave) }, "3 +[] -[] [] the key store does not work"},
			{"and works", func() { store.spoil(nil, nil) }, "3 +[] -[] [] "},
		} {
			step.do()
			use(5 * time.Minute) // keys are refreshed sooner, and stale after ten
			want = append(want, step.want)
			told := slices.DeleteFunc(slices.Clone(*events), func(e string) bool { return strings.HasPrefix(e, "2 ") })
			if !slices.Equal(told, want) {
				t.Fatalf("%s: told %q, want %q", step.name, told, want)
			}
		}
		if skipped := len(*events) - len(want); skipped != 1 {
			t.Errorf("keys that are not used were told %d times: %q", skipped, *events)
		}
	})
}

// Two requests meet a new tenant at one moment: both get the source that is in place.
func TestTheFirstOfTwoTenantsStays(t *testing.T) {
	ring := ringOf(t, keyring.Config{})
	f := newFakeIssuer("a")
	one, two := ring.Source(issuerID, f, nil), ring.Source(issuerID, f, nil)
	one.Own("one")
	if ring.Admit(issuerURL, nil, one) != one || ring.Admit(issuerURL, nil, two) != one {
		t.Error("the second caller drove the first one's source out")
	}
	if ring.Admit(issuerURL, one, two) != two || ring.Tenant(issuerURL) != two || ring.Admit(issuerURL, one, one) != two {
		t.Error("a source is not replaced by whoever knows it, and by nobody else")
	}
	if one.Owner() != "one" || two.Owner() != nil {
		t.Errorf("owners %v, %v", one.Owner(), two.Owner())
	}
}

// A tenant that failed and is met anew, with other settings, waits as it would have before.
func TestAFailureOutlivesItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := ringOf(t, keyring.Config{})
		f := newFakeIssuer("a")
		f.fail(errDown)
		wantCode(t, admit(ring, "t", f), "a", keyring.Unavailable)
		f.fail(nil)
		again := admit(ring, "t", f)
		code, retry := lookUpContext(t.Context(), again, "a")
		if code != keyring.Unavailable || retry < 20*time.Second || retry > 30*time.Second {
			t.Errorf("%v, retry after %v", code, retry)
		}
		wantFetches(t, f, 1)
		wantCode(t, admit(ring, "other", f), "a", 0) // which did not fail
		time.Sleep(retry)
		wantCode(t, admit(ring, "t", f), "a", 0)
		wantFetches(t, f, 3)
	})
}

// Beyond the limit those go that nobody used for a day, all of them at once.
func TestTenantsUnusedForADayMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := ringOf(t, keyring.Config{MaxDynamicSources: 4})
		f := newFakeIssuer("a")
		for _, name := range []string{"one", "two", "three", "used"} {
			wantCode(t, admit(ring, name, f), "a", 0)
		}
		time.Sleep(25 * time.Hour)
		wantCode(t, ring.Tenant("used"), "a", 0)
		wantCode(t, admit(ring, "new", f), "a", 0)
		for name, there := range map[string]bool{"one": false, "two": false, "three": false, "used": true, "new": true} {
			if got := ring.Tenant(name) != nil; got != there {
				t.Errorf("tenant %s is there: %v, want %v", name, got, there)
			}
		}
	})
}

// A denial is saved over whatever others save at the same moment, and told to be here alone if
// that cannot be done in time.
func TestADenialIsSavedOverConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a", "b"), &troubledStore{KeyStore: memory.New()}
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "b", 0)
		settle()
		store.spoil(nil, func(context.Context) (keystore.Version, error) { return "", keystore.ErrConflict })
		began := time.Now()
		go func() { time.Sleep(50 * time.Millisecond); store.spoil(nil, nil) }()
		if err := s.Revoke(t.Context(), "b"); err != nil || time.Since(began) > 100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		rec, _, err := store.Load(t.Context(), issuerID)
		if err != nil || !slices.Contains(rec.Denied, "b") || len(rec.Denied) != 2 { // the kid and its thumbprint
			t.Fatalf("stored %+v, %v", rec, err)
		}
		calls := store.calls
		if err := s.Revoke(t.Context(), "b"); err != nil || store.calls != calls+1 { // what is stored is not stored again
			t.Errorf("%d more calls, %v", store.calls-calls, err)
		}
		for name, load := range map[string]error{"lost": keystore.ErrNotFound, "garbage": keystore.ErrUnusable} {
			var saved int
			store.spoil(func(context.Context) (*keystore.Record, keystore.Version, error) { return nil, "", load },
				func(context.Context) (keystore.Version, error) { saved++; return "1", nil })
			if err := s.Revoke(t.Context(), name); err != nil || saved != 1 {
				t.Errorf("%s: saved %d times, %v", name, saved, err)
			}
		}
		boom := fmt.Errorf("boom: %w", keystore.ErrUnavailable)
		store.spoil(func(context.Context) (*keystore.Record, keystore.Version, error) { return nil, "", boom }, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Revoke(ctx, "a"); codeOf(err) != keyring.Unavailable || !errors.Is(err, boom) {
			t.Errorf("a store that fails: %v", err)
		}
		wantCode(t, s, "a", keyring.Denied) // all the same
	})
}
