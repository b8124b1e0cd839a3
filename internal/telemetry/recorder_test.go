package telemetry_test

import (
	"context"
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// recorder notes what its two providers are told.
type recorder struct {
	mu        sync.Mutex
	silent    bool // instruments are not enabled
	broken    error
	units     map[string]string
	points    map[string]map[attribute.Distinct]int
	sets      map[string][]attribute.Set
	callbacks []metric.Callback
	spans     []*span
}

func newRecorder() *recorder {
	return &recorder{
		units: map[string]string{}, points: map[string]map[attribute.Distinct]int{}, sets: map[string][]attribute.Set{},
	}
}

type meterProvider struct {
	metricnoop.MeterProvider
	r *recorder
}

type tracerProvider struct {
	tracenoop.TracerProvider
	r *recorder
}

func (r *recorder) meterProvider() metric.MeterProvider  { return meterProvider{r: r} }
func (r *recorder) tracerProvider() trace.TracerProvider { return tracerProvider{r: r} }

func (p meterProvider) Meter(string, ...metric.MeterOption) metric.Meter { return meter{r: p.r} }

func (p tracerProvider) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{r: p.r} }

func (r *recorder) made(name, unit string) error {
	r.units[name] = unit
	return r.broken
}

// note counts a measurement.
func (r *recorder) note(name string, set attribute.Set) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.points[name] == nil {
		r.points[name] = map[attribute.Distinct]int{}
	}
	if r.points[name][set.Equivalent()]++; r.points[name][set.Equivalent()] == 1 {
		r.sets[name] = append(r.sets[name], set)
	}
}

// series returns the attribute sets of an instrument, in text.
func (r *recorder) series(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, s := range r.sets[name] {
		all = append(all, s.Encoded(attribute.DefaultEncoder()))
	}
	slices.Sort(all)
	return all
}

func (r *recorder) names() []string { return slices.Sorted(maps.Keys(r.units)) }

type meter struct {
	metricnoop.Meter
	r *recorder
}

func (m meter) Float64Histogram(name string, o ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	err := m.r.made(name, metric.NewFloat64HistogramConfig(o...).Unit())
	return histogram{r: m.r, name: name}, err
}

func (m meter) Int64Counter(name string, o ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return counter{r: m.r, name: name}, m.r.made(name, metric.NewInt64CounterConfig(o...).Unit())
}

func (m meter) Int64ObservableCounter(name string, o ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	return intCounter{name: name}, m.r.made(name, metric.NewInt64ObservableCounterConfig(o...).Unit())
}

func (m meter) Int64ObservableGauge(name string, o ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return intGauge{name: name}, m.r.made(name, metric.NewInt64ObservableGaugeConfig(o...).Unit())
}

func (m meter) Float64ObservableGauge(name string, o ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return floatGauge{name: name}, m.r.made(name, metric.NewFloat64ObservableGaugeConfig(o...).Unit())
}

type (
	intCounter struct {
		metricnoop.Int64ObservableCounter
		name string
	}
	intGauge struct {
		metricnoop.Int64ObservableGauge
		name string
	}
	floatGauge struct {
		metricnoop.Float64ObservableGauge
		name string
	}
)

func (m meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.r.callbacks = append(m.r.callbacks, f)
	return registration{r: m.r, n: len(m.r.callbacks) - 1}, m.r.broken
}

type registration struct {
	metricnoop.Registration
	r *recorder
	n int
}

func (g registration) Unregister() error {
	g.r.callbacks[g.n] = nil
	return nil
}

type observer struct {
	metricnoop.Observer
	values map[string][]float64
	r      *recorder
}

func (o observer) ObserveInt64(i metric.Int64Observable, v int64, opts ...metric.ObserveOption) {
	switch i := i.(type) {
	case intCounter:
		o.values[i.name] = append(o.values[i.name], float64(v))
		o.r.note(i.name, metric.NewObserveConfig(opts).Attributes())
	case intGauge:
		o.values[i.name] = append(o.values[i.name], float64(v))
		o.r.note(i.name, metric.NewObserveConfig(opts).Attributes())
	}
}

func (o observer) ObserveFloat64(i metric.Float64Observable, v float64, opts ...metric.ObserveOption) {
	if i, ok := i.(floatGauge); ok {
		o.values[i.name] = append(o.values[i.name], v)
		o.r.note(i.name, metric.NewObserveConfig(opts).Attributes())
	}
}

// collect runs the callbacks and returns what they observed.
func (r *recorder) collect(ctx context.Context) map[string][]float64 {
	o := observer{values: map[string][]float64{}, r: r}
	for _, f := range r.callbacks {
		if f != nil {
			_ = f(ctx, o)
		}
	}
	return o.values
}

type histogram struct {
	metricnoop.Float64Histogram
	r    *recorder
	name string
}

func (h histogram) Enabled(context.Context) bool { return !h.r.silent }

func (h histogram) Record(_ context.Context, _ float64, opts ...metric.RecordOption) {
	h.r.note(h.name, metric.NewRecordConfig(opts).Attributes())
}

type counter struct {
	metricnoop.Int64Counter
	r    *recorder
	name string
}

func (c counter) Enabled(context.Context) bool { return !c.r.silent }

func (c counter) Add(_ context.Context, _ int64, opts ...metric.AddOption) {
	c.r.note(c.name, metric.NewAddConfig(opts).Attributes())
}

type tracer struct {
	tracenoop.Tracer
	r *recorder
}

func (t tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	c := trace.NewSpanStartConfig(opts...)
	parent := trace.SpanContextFromContext(ctx)
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	if c.NewRoot() {
		parent = trace.SpanContext{}
	}
	id := trace.SpanID{byte(len(t.r.spans) + 1)}
	traceID := parent.TraceID()
	if !traceID.IsValid() {
		traceID = trace.TraceID(append(id[:], id[:]...))
	}
	s := &span{name: name, parent: parent.SpanID(), context: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: id, TraceFlags: trace.FlagsSampled,
	})}
	s.SetAttributes(c.Attributes()...)
	t.r.spans = append(t.r.spans, s)
	return trace.ContextWithSpan(ctx, s), s
}

type span struct {
	tracenoop.Span
	name    string
	parent  trace.SpanID
	context trace.SpanContext
	attrs   []attribute.KeyValue
	links   []trace.Link
	status  codes.Code
	ends    int
}

func (s *span) SpanContext() trace.SpanContext         { return s.context }
func (s *span) IsRecording() bool                      { return s.ends == 0 }
func (s *span) SetAttributes(kv ...attribute.KeyValue) { s.attrs = append(s.attrs, kv...) }
func (s *span) AddLink(l trace.Link)                   { s.links = append(s.links, l) }
func (s *span) SetStatus(c codes.Code, _ string)       { s.status = c }
func (s *span) End(...trace.SpanEndOption)             { s.ends++ }

func (s *span) text() string {
	set := attribute.NewSet(s.attrs...)
	return set.Encoded(attribute.DefaultEncoder())
}
