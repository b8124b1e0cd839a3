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
	// Profiled says to mark regions in execution traces.
	Profiled bool
}

// Telemetry is what one verifier tells. It is safe for concurrent use; nil tells nothing.
type Telemetry struct {
	tracer trace.Tracer
	instruments
	meters   metric.MeterProvider
	reasonOf func(error) string
	shared   bool
	profiled bool

	algorithms map[string]int      // places in accepted
	accepted   []verdict           // by algorithm, cache and state of the keys
	failed     map[string]*verdict // by reason
	decisions  [decisions]lazy[[]metric.AddOption]
	keys       map[string]*Keys // by issuer
	dynamic    *Keys

	waiting atomic.Int64

	mu           sync.Mutex
	registration metric.Registration
}

// verdict is what a verification is told by.
type verdict struct {
	outcome Outcome
	told    lazy[told]
}

// verdictsOf returns a verdict for each reason.
func verdictsOf(reasons map[string]Outcome) map[string]*verdict {
	all := make(map[string]*verdict, len(reasons))
	for reason, outcome := range reasons {
		all[reason] = &verdict{outcome: outcome}
	}
	return all
}

// failure tells a verdict by its reason.
func (v *verdict) failure(reason string) *told {
	return v.told.get(func() told { return tellBy(v.outcome.String(), errorType.String(reason)) })
}

// told is a verdict in the words of OpenTelemetry.
type told struct {
	record []metric.RecordOption
	add    []metric.AddOption
	attrs  []attribute.KeyValue
}

// lazy is made when it is first told: most of what could be never is, and a program may have
// many verifiers.
type lazy[T any] struct{ made atomic.Pointer[T] }

func (l *lazy[T]) get(build func() T) *T {
	if t := l.made.Load(); t != nil {
		return t
	}
	t := build()
	l.made.Store(&t)
	return &t
}

func tellBy(outcome string, attrs ...attribute.KeyValue) told {
	attrs = append(attrs, outcomeKey.String(outcome))
	set := setOf(attrs)
	return told{[]metric.RecordOption{set}, []metric.AddOption{set}, attrs}
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
		tracer:   o.TracerProvider.Tracer(ScopeName, trace.WithInstrumentationVersion(Version())),
		meters:   o.MeterProvider,
		reasonOf: o.ReasonOf, shared: o.Shared, profiled: o.Profiled,
		algorithms: make(map[string]int, len(o.Algorithms)),
		accepted:   make([]verdict, (len(o.Algorithms)+1)*int(cacheStates)*int(keyStates)),
		failed:     verdictsOf(o.Reasons),
		keys:       make(map[string]*Keys, len(o.Issuers)),
	}
	t.instruments = newInstruments(o.MeterProvider.Meter(ScopeName, metric.WithInstrumentationVersion(Version())), o.TokenCache)
	t.algorithms[""] = 0 // that of opaque tokens
	for i, alg := range o.Algorithms {
		t.algorithms[alg] = i + 1
	}
	for _, url := range o.Issuers {
		t.keys[url] = newKeys(t, url)
	}
	t.dynamic = newKeys(t, Dynamic)
	return t
}

// Meters returns the provider that t measures with, the global one for nil.
func (t *Telemetry) Meters() metric.MeterProvider {
	if t == nil {
		return otel.GetMeterProvider()
	}
	return t.meters
}

// Version is that of this module in the running program, "" if that is not known.
func Version() string {
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
