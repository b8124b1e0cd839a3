package telemetry

import (
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Options are what [New] builds from. All lists are closed: what is not in them is never told.
type Options struct {
	// TracerProvider and MeterProvider default to the global ones.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
	// Reasons are why a verification may fail, each with its outcome.
	Reasons map[string]Outcome
	// ReasonOf names the reason of an error of the keys.
	ReasonOf func(error) string
	// Algorithms are those a token may be accepted with.
	Algorithms []string
	// Issuers are those of the policy.
	Issuers []string
	// TokenCache says that there is one.
	TokenCache bool
	// Shared says that the store is one that others see, so that its calls are worth telling.
	Shared bool
}

// Telemetry is what one verifier tells. It is safe for concurrent use; nil tells nothing.
type Telemetry struct {
	tracer trace.Tracer
	instruments
	reasonOf func(error) string
	shared   bool

	accepted   [cacheStates][keyStates]map[string]*verdict // by algorithm
	failed     map[string]*verdict                         // by reason
	keys       map[string]*Keys                            // by issuer
	dynamic    *Keys
	start      []trace.SpanStartOption
	decisions  [decisions][]metric.AddOption
	claims     [claims][]metric.AddOption
	operations [operations]operation
	lookups    [cacheStates][]metric.ObserveOption

	waiting atomic.Int64

	mu           sync.Mutex
	registration metric.Registration
}

// verdict is what a verification is told by.
type verdict struct {
	outcome Outcome
	record  []metric.RecordOption
	attrs   []attribute.KeyValue
}

func newVerdict(o Outcome, attrs ...attribute.KeyValue) *verdict {
	attrs = append(attrs, outcomeKey.String(o.String()))
	return &verdict{outcome: o, record: recordBy(attrs...), attrs: attrs}
}

func recordBy(attrs ...attribute.KeyValue) []metric.RecordOption {
	return []metric.RecordOption{setOf(attrs)}
}

func addBy(attrs ...attribute.KeyValue) []metric.AddOption { return []metric.AddOption{setOf(attrs)} }

func observeBy(attrs ...attribute.KeyValue) []metric.ObserveOption {
	return []metric.ObserveOption{setOf(attrs)}
}

func setOf(attrs []attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attrs...))
}

// New returns what tells o.Issuers and all others. It never fails: an instrument that cannot be
// made is reported to the error handler of OpenTelemetry and tells nothing.
func New(o Options) *Telemetry {
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	t := &Telemetry{
		tracer:   o.TracerProvider.Tracer(ScopeName, trace.WithInstrumentationVersion(version())),
		reasonOf: o.ReasonOf, shared: o.Shared,
		start: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindInternal)},
	}
	t.instruments = newInstruments(o.MeterProvider.Meter(ScopeName, metric.WithInstrumentationVersion(version())), o.TokenCache)
	t.prepareVerdicts(&o)
	t.keys = make(map[string]*Keys, len(o.Issuers))
	for _, url := range o.Issuers {
		t.keys[url] = newKeys(t, url)
	}
	t.dynamic = newKeys(t, Dynamic)
	for d := range decisions {
		t.decisions[d] = addBy(decisionKey.String(d.String()))
	}
	for c := range claims {
		t.claims[c] = addBy(outcomeKey.String(c.String()))
	}
	for op := range operations {
		t.operations[op] = newOperation(op)
	}
	for c := range cacheStates {
		t.lookups[c] = observeBy(cacheKey.String(c.String()))
	}
	return t
}

// prepareVerdicts builds everything that a verification can end in. A failure tells its reason
// alone: whoever sends bad tokens would otherwise choose among more series.
func (t *Telemetry) prepareVerdicts(o *Options) {
	t.failed = make(map[string]*verdict, len(o.Reasons))
	for reason, outcome := range o.Reasons {
		t.failed[reason] = newVerdict(outcome, errorType.String(reason))
	}
	possible := []Cache{CacheOff}
	if o.TokenCache {
		possible = []Cache{CacheMiss, CacheHit}
	}
	for _, c := range possible {
		for s := range keyStates {
			t.accepted[c][s] = make(map[string]*verdict, len(o.Algorithms))
			for _, alg := range o.Algorithms {
				t.accepted[c][s][alg] = newVerdict(Accepted,
					algorithmKey.String(alg), stateKey.String(s.String()), cacheKey.String(c.String()))
			}
		}
	}
	// An opaque token has no algorithm and meets no key.
	t.accepted[CacheOff][Fresh] = cloneWith(t.accepted[CacheOff][Fresh], "",
		newVerdict(Accepted, algorithmKey.String("opaque"), cacheKey.String(CacheOff.String())))
}

func cloneWith(m map[string]*verdict, name string, v *verdict) map[string]*verdict {
	if m == nil {
		m = make(map[string]*verdict, 1)
	}
	m[name] = v
	return m
}

// version is that of this module in the running program, "" if that is not known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	i := slices.IndexFunc(modules, func(m *debug.Module) bool { return strings.HasPrefix(ScopeName, m.Path+"/") })
	if i < 0 {
		return ""
	}
	return modules[i].Version
}
