package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// shelf is a back end in memory that a test can break.
type shelf struct {
	mu     sync.Mutex
	down   bool
	values map[string][]byte
	until  map[string]time.Time
}

func newShelf() *shelf {
	return &shelf{values: map[string][]byte{}, until: map[string]time.Time{}}
}

var errShelf = errors.New("the shelf is down")

func (s *shelf) Get(_ context.Context, key string) ([]byte, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(key)
}

func (s *shelf) get(key string) ([]byte, time.Duration, error) {
	value, ok := s.values[key]
	left := time.Until(s.until[key])
	switch {
	case s.down:
		return nil, 0, errShelf
	case !ok || left <= 0:
		return nil, 0, keystore.ErrNotFound
	default:
		return bytes.Clone(value), left, nil
	}
}

func (s *shelf) Swap(_ context.Context, key string, old, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, _, err := s.get(key)
	switch {
	case err != nil && !errors.Is(err, keystore.ErrNotFound):
		return err
	case !bytes.Equal(current, old) || (current == nil) != (old == nil):
		return keystore.ErrConflict
	}
	s.values[key], s.until[key] = bytes.Clone(value), time.Now().Add(ttl)
	return nil
}

// keep returns what is stored, to be put back.
func (s *shelf) keep() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.values)
}

func (s *shelf) put(values map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = map[string][]byte{}
	maps.Copy(s.values, values)
}

func (s *shelf) fail(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func replica(t *testing.T, s *shelf) *bench {
	t.Helper()
	secrets, err := sealed.NewSecrets([]byte("a fleet secret of 32 bytes and more"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sealed.New(s, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, nil, verifier.WithKeyStore(store))
}

func (b *bench) mustVerify(t *testing.T) {
	t.Helper()
	if _, err := b.request(t.Context(), b.token(t, nil)); err != nil {
		t.Fatal(err)
	}
}

func outcomes(b *bench, name string) []string {
	var all []string
	for _, s := range b.named(name) {
		for _, kv := range s.Attributes() {
			if kv.Key == "keychorus.outcome" {
				all = append(all, kv.Value.AsString())
			}
		}
	}
	return all
}

func TestAFleetFetchesOnceAndTellsSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		first := replica(t, s)
		first.mustVerify(t)
		time.Sleep(2 * time.Second)
		if got := outcomes(first, "keychorus.store.lease"); !slices.Equal(got, []string{"granted"}) {
			t.Errorf("the first claims the lease: %v", got)
		}
		if got := outcomes(first, "keychorus.store.end"); !slices.Equal(got, []string{"ok"}) {
			t.Errorf("the first ends the lease: %v", got)
		}
		if got := series(t, first.collect(t)["keychorus.lease.claims"]); got["keychorus.outcome=granted"] != 1 {
			t.Errorf("claims %v", got)
		}
		second := replica(t, s)
		second.issuer = first.issuer
		second.mustVerify(t)
		synctest.Wait()
		if got := outcomes(second, "keychorus.store.load"); !slices.Equal(got, []string{"ok"}) || len(second.named("keychorus.jwks.fetch")) > 0 {
			t.Errorf("the second loads %v and makes %d fetches", got, len(second.named("keychorus.jwks.fetch")))
		}
		all := second.collect(t)
		if _, ok := all["keychorus.fetch.duration"]; ok {
			t.Error("the second measures a fetch")
		}
		if got := series(t, all["keychorus.store.duration"]); got["keychorus.operation=load,keychorus.outcome=ok"] != 1 {
			t.Errorf("calls of the store %v", got)
		}
	})
}

// A store that loses, forgets or fails is told as what it does.
func TestAStoreThatMisbehavesIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		b := replica(t, s)
		b.mustVerify(t)
		time.Sleep(2 * time.Second)
		old := s.keep()
		use := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				b.mustVerify(t)
			}
		}
		use(6 * time.Minute) // a refresh, and a newer record
		total := func(name string) (n float64) {
			for _, v := range series(t, b.collect(t)[name]) {
				n += v
			}
			return n
		}
		for _, name := range []string{"keychorus.store.heals", "keychorus.store.rollbacks_refused", "keychorus.fetch.direct"} {
			if _, ok := b.collect(t)[name]; !ok || total(name) != 0 {
				t.Errorf("%s is %v with a store that works, want 0", name, total(name))
			}
		}
		s.put(nil)
		use(30 * time.Second)
		if n := total("keychorus.store.heals"); n != 1 {
			t.Errorf("%v records are put back, want 1", n)
		}
		s.put(old)
		use(30 * time.Second)
		if n := total("keychorus.store.rollbacks_refused"); n < 1 {
			t.Errorf("%v old records are refused, want 1 or more", n)
		}
		s.fail(true)
		b.spans.Reset()
		use(12 * time.Minute)
		if n := total("keychorus.fetch.direct"); n < 1 {
			t.Errorf("%v fetches without the store, want 1 or more", n)
		}
		failed := b.named("keychorus.store.load")
		if len(failed) == 0 || failed[0].Status().Code != codes.Error {
			t.Errorf("%d calls that fail have spans, or are no errors", len(failed))
		}
	})
}
