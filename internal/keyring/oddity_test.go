package keyring_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// coordinated is a store whose leases a test gives.
type coordinated struct {
	keystore.KeyStore

	tried int
	lease func() (keystore.Lease, keystore.Hold)
}

func (c *coordinated) TryLease(context.Context, keystore.ID) (keystore.Lease, keystore.Hold, error) {
	c.tried++
	lease, hold := c.lease()
	return lease, hold, nil
}

func (c *coordinated) Watch(ctx context.Context, _ func(keystore.Event)) error {
	<-ctx.Done()
	return ctx.Err()
}

type notedLease struct{ outcomes *[]keystore.Outcome }

func (l notedLease) End(_ context.Context, o keystore.Outcome, _ time.Duration) error {
	*l.outcomes = append(*l.outcomes, o)
	return nil
}

// The keys may come in between the look at the store and the answer about the lease: then
// nobody asks the issuer, and a lease that was had is given back.
func TestKeysThatComeMeanwhileSpareTheFetch(t *testing.T) {
	for _, given := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var outcomes []keystore.Outcome
			f, store := newFakeIssuer("a"), &coordinated{KeyStore: memory.New()}
			store.lease = func() (keystore.Lease, keystore.Hold) {
				rec := &keystore.Record{ID: issuerID, Document: document("a"), FetchedAt: time.Now(), FreshFor: time.Minute, UsableFor: time.Hour}
				if _, err := store.Save(t.Context(), issuerID, rec, ""); err != nil {
					t.Error(err)
				}
				if given {
					return notedLease{&outcomes}, keystore.Hold{}
				}
				return nil, keystore.Hold{Outcome: keystore.Useful, Left: time.Hour}
			}
			wantCode(t, source(t, f, keyring.Config{}, store), "a", 0)
			settle()
			wantFetches(t, f, 0)
			if store.tried != 1 || given != (len(outcomes) == 1 && outcomes[0] == keystore.Abandoned) {
				t.Errorf("given %v: tried %d times, ended %v", given, store.tried, outcomes)
			}
		})
	}
}

// A store that says for ever that others are fetching is believed for a minute and a quarter.
func TestOthersDoNotFetchForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a"), &coordinated{KeyStore: memory.New()}
		store.lease = func() (keystore.Lease, keystore.Hold) { return nil, keystore.Hold{Fetching: true, Left: time.Second} }
		s := source(t, f, keyring.Config{}, store)
		began := time.Now()
		for lookUp(t, s, "a") != 0 {
			if time.Since(began) > 80*time.Second {
				t.Fatal("no keys after 80 s")
			}
		}
		if waited := time.Since(began); waited < time.Minute {
			t.Errorf("the store was not believed after %v", waited)
		}
		wantFetches(t, f, 1)
	})
}

// A clock that is fast elsewhere does not make keys look newer than now, or last for longer.
func TestARecordOfTheFutureIsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a"), memory.New()
		rec := &keystore.Record{ID: issuerID, Document: document("a"), FetchedAt: time.Now().Add(100 * time.Hour), FreshFor: time.Hour, UsableFor: time.Hour}
		if _, err := store.Save(t.Context(), issuerID, rec, ""); err != nil {
			t.Fatal(err)
		}
		s := source(t, f, keyring.Config{}, store)
		if got := s.State(time.Now()); got != telemetry.Stale {
			t.Errorf("without keys the state is %v", got)
		}
		wantCode(t, s, "a", 0)
		wantFetches(t, f, 0)
		if h := s.Health(); h.Age < 0 || h.Age > time.Second || h.TimeLeft > time.Hour {
			t.Errorf("health %+v", h)
		}
		f.fail(errDown)
		time.Sleep(time.Hour + time.Second)
		wantCode(t, s, "a", keyring.Unavailable)
	})
}

// A kid that is there and not for the algorithm, or there twice, is decided without a fetch.
func TestKeysThatDoNotFitAreDecidedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		for _, c := range []struct {
			alg  jws.Algorithm
			kid  string
			want keyring.Code
		}{{jws.ES256, "a", keyring.Unusable}, {jws.EdDSA, "", keyring.Ambiguous}, {jws.ES256, "", keyring.Unknown}} {
			_, waited, err := s.Key(t.Context(), time.Now(), c.alg, c.kid, true)
			if got := codeOf(err); got != c.want || waited {
				t.Errorf("%s %q: %v, waited %v; want %v", c.alg, c.kid, got, waited, c.want)
			}
		}
		wantFetches(t, f, 1)
	})
}

// Who says for long enough that there are no keys is believed, and health says so.
func TestAnIssuerWithoutKeysIsToldByHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.publish()
		seen := map[string]bool{}
		for end := time.Now().Add(12 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
			_ = lookUp(t, s, "a")
			seen[s.Health().Problem] = true
		}
		if lookUp(t, s, "a") == 0 {
			t.Error("a key that is gone is still found")
		}
		for _, want := range []string{"", "the issuer publishes no usable key; the former keys serve", "the issuer publishes no usable key"} {
			if !seen[want] {
				t.Errorf("%q was not told: %v", want, seen)
			}
		}
	})
}

// An issuer's failures are forgotten after a minute, and ten strangers may try anew.
func TestFailedContactsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := ringOf(t, keyring.Config{})
		f := newFakeIssuer("a")
		f.fail(errDown)
		for round := range 2 {
			for i := range 15 {
				wantCode(t, admit(ring, string(rune('a'+15*round+i)), f), "a", keyring.Unavailable)
			}
			wantFetches(t, f, 10*(round+1))
			time.Sleep(61 * time.Second)
		}
		if name, status := keyring.TroubleOf(&jwks.FetchError{Status: 418}); name != "other" || status != 418 {
			t.Errorf("an error without a code is told as %q with %d", name, status)
		}
	})
}

// A purge while somebody else's look is under way does not wait out the cool-down that the look
// leaves behind.
func TestAPurgeDuringALookIsConfirmed(t *testing.T) {
	for _, at := range []time.Duration{0, 25 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a")
			s := source(t, f, keyring.Config{}, memory.New())
			wantCode(t, s, "a", 0)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			go lookUp(t, s, "made-up")
			time.Sleep(at)
			began, before := time.Now(), f.count()
			if err := s.Purge(t.Context()); err != nil || time.Since(began) > time.Second {
				t.Errorf("at %v: %v after %v", at, err, time.Since(began))
			}
			wantCode(t, s, "a", 0)
			if n := f.count() - before; n > 2 {
				t.Errorf("at %v: %d fetches", at, n)
			}
			synctest.Wait()
		})
	}
}
