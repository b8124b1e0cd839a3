package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// The bounds of the histograms, in seconds. A token of the cache takes less than a microsecond,
// a signature tens of them, and whoever waits for keys up to seconds.
var (
	verifyBounds = []float64{
		5e-7, 1e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 5e-2, 0.25, 1, 5,
	}
	waitBounds = []float64{1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5}
)

// instruments are all there are. Each is usable, whatever the provider.
type instruments struct {
	meter metric.Meter

	verify    [kinds]metric.Float64Histogram
	fetch     metric.Float64Histogram
	store     metric.Float64Histogram
	direct    metric.Int64Counter
	unknown   metric.Int64Counter
	leases    metric.Int64Counter
	rollbacks metric.Int64Counter
	heals     metric.Int64Counter

	cacheLookups metric.Int64ObservableCounter // nil without a cache
	waiters      metric.Int64ObservableGauge
	age          metric.Float64ObservableGauge
	timeLeft     metric.Float64ObservableGauge
	count        metric.Int64ObservableGauge
}

func newInstruments(m metric.Meter, cache bool) instruments {
	i := instruments{
		meter: m,
		verify: [kinds]metric.Float64Histogram{
			Token:    histogram(m, "keychorus.verify.duration", "Duration of verifying one access token.", verifyBounds),
			Document: histogram(m, "keychorus.verify_document.duration", "Duration of verifying one signed document.", verifyBounds),
		},
		fetch: histogram(m, "keychorus.fetch.duration",
			"Duration of one attempt to get an issuer's keys, discovery and retry included.", waitBounds),
		store: histogram(m, "keychorus.store.duration",
			"Duration of one call of the shared key store.", waitBounds),
		direct: counter(m, "keychorus.fetch.direct", "{fetch}",
			"Attempts at an issuer without the leave of the shared key store, which did not work."),
		unknown: counter(m, "keychorus.unknown_kid.decisions", "{decision}",
			"Tokens that named a key not at hand, by what was decided."),
		leases: counter(m, "keychorus.lease.claims", "{claim}",
			"Claims on the fleet's next attempt at an issuer."),
		rollbacks: counter(m, "keychorus.store.rollbacks_refused", "{record}",
			"Records of the shared key store that were older than the keys at hand, and not used."),
		heals: counter(m, "keychorus.store.heals", "{record}",
			"Records put back into a shared key store that had lost them."),
		waiters: try(m.Int64ObservableGauge("keychorus.waiters", metric.WithUnit("{request}"),
			metric.WithDescription("Requests that wait for keys.")))(noop.Int64ObservableGauge{}),
		age: try(m.Float64ObservableGauge("keychorus.keys.age", metric.WithUnit("s"),
			metric.WithDescription("Time since the issuer last confirmed its keys.")))(noop.Float64ObservableGauge{}),
		timeLeft: try(m.Float64ObservableGauge("keychorus.keys.time_left", metric.WithUnit("s"),
			metric.WithDescription("Time for which the keys stay usable if the issuer cannot be reached.")))(noop.Float64ObservableGauge{}),
		count: try(m.Int64ObservableGauge("keychorus.keys.count", metric.WithUnit("{key}"),
			metric.WithDescription("Usable keys.")))(noop.Int64ObservableGauge{}),
	}
	if cache {
		i.cacheLookups = try(m.Int64ObservableCounter("keychorus.token_cache.lookups", metric.WithUnit("{lookup}"),
			metric.WithDescription("Look-ups in the token cache.")))(noop.Int64ObservableCounter{})
	}
	return i
}

func histogram(m metric.Meter, name, description string, bounds []float64) metric.Float64Histogram {
	return try(m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(bounds...)))(noop.Float64Histogram{})
}

func counter(m metric.Meter, name, unit, description string) metric.Int64Counter {
	return try(m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description)))(noop.Int64Counter{})
}

// try returns an instrument, or its silent counterpart if there was an error: telemetry never
// keeps a program from verifying.
func try[T any](instrument T, err error) func(silent T) T {
	return func(silent T) T {
		if err != nil {
			otel.Handle(err)
			return silent
		}
		return instrument
	}
}

// KeyHealth is the state of one issuer's keys.
type KeyHealth struct {
	Count int
	// Age means something if the keys age, and TimeLeft if they expire: static ones do
	// neither, and those that are not there have no time left.
	Age, TimeLeft time.Duration
	Ages, Expires bool
}

// Readings are asked for at every collection. They must not block.
type Readings struct {
	// TokenCache returns the hits and misses so far; nil without a cache.
	TokenCache func() (hits, misses int64)
	// Keys yields every issuer of the policy.
	Keys func(yield func(issuer string, h KeyHealth) bool)
}

// Observe reports r at every collection until [Telemetry.Close].
func (t *Telemetry) Observe(r Readings) {
	if t == nil {
		return
	}
	observed := []metric.Observable{t.waiters, t.age, t.timeLeft, t.count}
	if t.cacheLookups != nil {
		observed = append(observed, t.cacheLookups)
	}
	registration, err := t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		t.exist(ctx)
		t.observe(o, r)
		return nil
	}, observed...)
	if err != nil {
		otel.Handle(err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.registration = registration
}

// exist has the counters that alerts watch in every collection, also before they count anything:
// nobody sees the step to the first value of what was not there. Doing so here and not in [New]
// works for a provider that is set later, too.
func (t *Telemetry) exist(ctx context.Context) {
	if !t.shared {
		return
	}
	for _, c := range []metric.Int64Counter{t.direct, t.rollbacks, t.heals} {
		c.Add(ctx, 0)
	}
}

func (t *Telemetry) observe(o metric.Observer, r Readings) {
	o.ObserveInt64(t.waiters, t.waiting.Load())
	if t.cacheLookups != nil && r.TokenCache != nil {
		hits, misses := r.TokenCache()
		o.ObserveInt64(t.cacheLookups, hits, observeBy(cacheKey.String(CacheHit.String()))...)
		o.ObserveInt64(t.cacheLookups, misses, observeBy(cacheKey.String(CacheMiss.String()))...)
	}
	for issuer, h := range r.Keys {
		k := t.Keys(issuer)
		by := *k.observed.get(func() []metric.ObserveOption { return observeBy(k.issuer) })
		o.ObserveInt64(t.count, int64(h.Count), by...)
		if h.Ages {
			o.ObserveFloat64(t.age, h.Age.Seconds(), by...)
		}
		if h.Expires {
			o.ObserveFloat64(t.timeLeft, h.TimeLeft.Seconds(), by...)
		}
	}
}

// Close ends what [Telemetry.Observe] began. Closing twice is harmless.
func (t *Telemetry) Close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.registration == nil {
		return
	}
	if err := t.registration.Unregister(); err != nil {
		otel.Handle(err)
	}
	t.registration = nil
}
