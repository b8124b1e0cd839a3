package keyring

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

// Fetcher asks an issuer. [*jwks.Fetcher] is one.
type Fetcher interface {
	Discover(ctx context.Context) (jwksURL string, err error)
	Fetch(ctx context.Context, r jwks.Request) (*jwks.Answer, error)
}

// Options are the collaborators of a [Ring].
type Options struct {
	// Store keeps the records. If it is a [keystore.Coordinator], its attempts are shared.
	Store keystore.KeyStore
	// Shared says that others write to Store, so that it is worth looking at.
	Shared bool
	// Observe is told of every transition, one at a time per source, and must return
	// soon. It may be nil.
	Observe func(Event)
	// Telemetry measures what happens. It may be nil.
	Telemetry *telemetry.Telemetry
}

// Ring owns the sources of one verifier and every goroutine they start.
type Ring struct {
	cfg   Config
	store keystore.KeyStore
	polls bool

	coordinator keystore.Coordinator // nil if nobody shares the store
	watching    atomic.Bool

	observe func(Event)
	tell    *telemetry.Telemetry
	epoch   time.Time // what monotonic offsets count from
	ctx     context.Context
	cancel  context.CancelFunc
	sources []*Source // those that stay; complete before the first use
	tenants tenants

	mu     sync.Mutex // guards closed against wg
	closed bool
	wg     sync.WaitGroup
}

// New returns a ring without sources. cfg comes from [Config.Check].
func New(cfg Config, o Options) *Ring {
	// The ring's own context: attempts must outlive the callers that caused them.
	ctx, cancel := context.WithCancel(context.Background())
	r := &Ring{
		cfg: cfg, store: o.Store, polls: o.Shared, observe: o.Observe, tell: o.Telemetry,
		epoch: time.Now(), ctx: ctx, cancel: cancel,
	}
	r.coordinator, _ = o.Store.(keystore.Coordinator)
	r.tenants.limit = cfg.MaxDynamicSources
	return r
}

// Keep makes a source stay for the life of the ring. Only before the first use of any.
func (r *Ring) Keep(s *Source) { r.sources = append(r.sources, s) }

// Source returns a new source whose keys f fetches.
func (r *Ring) Source(id keystore.ID, f Fetcher, denied []string) *Source {
	return newSource(r, id, f, denied)
}

// Static returns a new source whose keys never change. A document without usable keys is an
// error.
func (r *Ring) Static(id keystore.ID, document []byte, denied []string) (*Source, error) {
	set, skipped, err := jwks.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("StaticJWKS is not a JWK Set: %w", err)
	}
	if set.Len() == 0 {
		return nil, errors.New("StaticJWKS holds no usable key: give it public signature keys, RSA from 2048 bits")
	}
	s := newSource(r, id, nil, denied)
	sn := &snapshot{
		all: set, generation: 1, receivedAt: time.Now(),
		refreshAge: never, staleAge: never, maxAge: never,
	}
	sn.skip(skipped)
	s.filter(sn)
	s.snap.Store(sn)
	return s, nil
}

// Warm waits until every source that stays has usable keys, for one attempt each and no
// longer than ctx, and yields an error for each that has not.
func (r *Ring) Warm(ctx context.Context) iter.Seq2[*Source, error] {
	errs := make([]error, len(r.sources))
	var wg sync.WaitGroup
	for i, s := range r.sources {
		wg.Go(func() { errs[i] = s.warm(ctx) })
	}
	wg.Wait()
	return func(yield func(*Source, error) bool) {
		for i, err := range errs {
			if err != nil && !yield(r.sources[i], err) {
				return
			}
		}
	}
}

// Close stops all background work and waits for it.
func (r *Ring) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
	for s := range r.all() {
		s.snap.Store(nil) // verification, too, has ended
	}
}

// all yields every source.
func (r *Ring) all() iter.Seq[*Source] {
	return func(yield func(*Source) bool) {
		for _, s := range r.sources {
			if !yield(s) {
				return
			}
		}
		r.tenants.each(yield)
	}
}

// spawn runs f on a goroutine of the ring, unless the ring is closed.
func (r *Ring) spawn(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.wg.Go(f)
	return true
}

// since returns the monotonic offset of a moment.
func (r *Ring) since(t time.Time) int64 { return int64(t.Sub(r.epoch)) }
