package keyring_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// troubledStore is a memory store that a test can spoil.
type troubledStore struct {
	keystore.KeyStore
	mu    sync.Mutex
	load  func(context.Context) (*keystore.Record, keystore.Version, error) // nil: as usual
	save  func(context.Context) (keystore.Version, error)
	calls int
}

func (s *troubledStore) spoil(
	load func(context.Context) (*keystore.Record, keystore.Version, error), save func(context.Context) (keystore.Version, error),
) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load, s.save = load, save
}

func (s *troubledStore) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	s.mu.Lock()
	load := s.load
	s.calls++
	s.mu.Unlock()
	if load != nil {
		return load(ctx)
	}
	return s.KeyStore.Load(ctx, id)
}

func (s *troubledStore) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	s.mu.Lock()
	save := s.save
	s.calls++
	s.mu.Unlock()
	if save != nil {
		return save(ctx)
	}
	return s.KeyStore.Save(ctx, id, rec, base)
}

func hungLoad(ctx context.Context) (*keystore.Record, keystore.Version, error) {
	<-ctx.Done()
	return nil, "", ctx.Err()
}

func hungSave(ctx context.Context) (keystore.Version, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// In virtual time a call that waits for anything moves the clock: none does.
func TestInvariantI4KnownKeysWaitForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		store := &troubledStore{KeyStore: memory.New()}
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "a", 0)
		f.change(func() { f.hang = make(chan struct{}) })
		store.spoil(hungLoad, hungSave)
		blocked := 0
		for start := time.Now(); time.Since(start) < 2*time.Hour; time.Sleep(time.Second) {
			before := time.Now()
			wantCode(t, s, "a", 0)
			if time.Since(before) > 0 {
				blocked++
			}
		}
		if blocked > 0 {
			t.Errorf("%d verifications waited while issuer and store hung", blocked)
		}
		f.change(func() { close(f.hang); f.hang = nil })
	})
}

// The same in real time: while the one background look hangs, first in the store and then at
// the issuer, every one of a million calls returns at once.
func TestInvariantI4InRealTime(t *testing.T) {
	f := newFakeIssuer("a")
	f.latency = 0
	store := &troubledStore{KeyStore: memory.New()}
	s := source(t, f, keyring.Config{RefreshInterval: time.Second, MinInterval: time.Second, Cooldown: time.Second}, store)
	wantCode(t, s, "a", 0)
	hang := make(chan struct{})
	f.change(func() { f.hang = hang })
	defer close(hang)
	inStore := make(chan struct{})
	var once sync.Once
	store.spoil(func(ctx context.Context) (*keystore.Record, keystore.Version, error) {
		once.Do(func() { close(inStore) })
		return hungLoad(ctx)
	}, hungSave)
	for looking := false; !looking; {
		wantCode(t, s, "a", 0)
		select {
		case <-inStore:
			looking = true
		default:
			runtime.Gosched()
		}
	}
	var wg sync.WaitGroup
	const workers, each = 8, 125_000
	returned := make([]int, workers)
	for w := range workers {
		wg.Go(func() {
			for range each {
				if _, waited, err := s.Key(t.Context(), time.Now(), jws.EdDSA, "a", true); err == nil && !waited {
					returned[w]++
				}
			}
		})
	}
	wg.Wait()
	for w, n := range returned {
		if n != each {
			t.Errorf("worker %d: %d of %d calls returned at once", w, n, each)
		}
	}
}

func TestInvariantI11StoreTrouble(t *testing.T) {
	forged := func(context.Context) (*keystore.Record, keystore.Version, error) {
		return &keystore.Record{ID: issuerID, Document: []byte("garbage"), FetchedAt: time.Now()}, "v", nil
	}
	down := func(context.Context) (*keystore.Record, keystore.Version, error) {
		return nil, "", keystore.ErrUnavailable
	}
	refused := func(context.Context) (keystore.Version, error) { return "", keystore.ErrUnavailable }
	for name, spoil := range map[string]func(*troubledStore){
		"down":   func(s *troubledStore) { s.spoil(down, refused) },
		"hung":   func(s *troubledStore) { s.spoil(hungLoad, hungSave) },
		"full":   func(s *troubledStore) { s.spoil(nil, refused) },
		"forged": func(s *troubledStore) { s.spoil(forged, refused) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIssuer("a")
				store := &troubledStore{KeyStore: memory.New()}
				s := source(t, f, keyring.Config{}, store)
				wantCode(t, s, "a", 0)
				spoil(store)
				for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(time.Second) {
					wantCode(t, s, "a", 0)
				}
				if n := f.count(); n < 12 || n > 16 {
					t.Errorf("%d attempts in an hour, want one at each refresh point", n)
				}
				// The memory store of the other cases answers a flood with its own record.
				if name == "down" || name == "hung" {
					before := f.count()
					flood(t, s, 10*time.Minute, nil)
					if n := f.count() - before; n > 10+3 {
						t.Errorf("%d attempts in ten minutes of flood, want one a minute", n)
					}
				}
			})
		})
	}
}

func TestInvariantI12OneHungIssuerDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := ringOf(t, keyring.Config{})
		hung := newFakeIssuer("a")
		hung.hang = make(chan struct{})
		var sources []*keyring.Source
		for i := range 100 {
			f := newFakeIssuer("a")
			f.latency = 0
			if i == 0 {
				f = hung
			}
			s := ring.Source(keystore.ID{Issuer: issuerURL + "/" + strconv.Itoa(i)}, f, nil)
			ring.Keep(s)
			sources = append(sources, s)
		}
		go func() { _ = lookUp(t, sources[0], "a") }()
		synctest.Wait()
		before := time.Now()
		for _, s := range sources[1:] {
			wantCode(t, s, "a", 0)
		}
		if d := time.Since(before); d > 0 {
			t.Errorf("the other 99 were delayed by %v", d)
		}
		close(hung.hang)
		synctest.Wait()
	})
}

// One of fifty in a process has no route to the issuer and is first in every race.
func TestInvariantI17OneBrokenReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		broken, healthy := newFakeIssuer("a"), newFakeIssuer("a")
		broken.fail(errDown)
		sources := []*keyring.Source{source(t, broken, keyring.Config{}, store)}
		for range 49 {
			sources = append(sources, source(t, healthy, keyring.Config{}, store))
		}
		_ = lookUp(t, sources[0], "a")
		for _, s := range sources[1:] {
			wantCode(t, s, "a", 0)
			settle()
		}
		if n := healthy.count(); n != 1 {
			t.Errorf("%d fetches of 49 that share a store, want one", n)
		}
		time.Sleep(30 * time.Second)
		healthy.publish("a", "new")
		_ = lookUp(t, sources[0], "new")
		for i, s := range sources[1:] {
			if code := lookUp(t, s, "new"); code != 0 {
				t.Errorf("replica %d: %v", i, code)
			}
			if h := s.Health(); h.Problem != "" {
				t.Errorf("replica %d: %s", i, h.Problem)
			}
		}
		time.Sleep(30 * time.Second)
		_ = lookUp(t, sources[0], "a") // follows the store
		synctest.Wait()
		wantCode(t, sources[0], "new", 0)
	})
}
