package sealed_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"

	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// gatherer runs callbacks when it is asked to.
type gatherer struct {
	metricnoop.MeterProvider
	s *gathered
}

type gathered struct {
	broken   error
	release  string
	units    map[string]string
	callback metric.Callback
	ended    chan struct{}
}

func newGatherer() gatherer {
	return gatherer{s: &gathered{units: map[string]string{}, ended: make(chan struct{})}}
}

func (g gatherer) Meter(_ string, o ...metric.MeterOption) metric.Meter {
	cfg := metric.NewMeterConfig(o...)
	g.s.release = cfg.InstrumentationVersion()
	return gatherMeter{s: g.s}
}

type gatherMeter struct {
	metricnoop.Meter
	s *gathered
}

type (
	namedCounter struct {
		metricnoop.Int64ObservableCounter
		name string
	}
	namedGauge struct {
		metricnoop.Int64ObservableGauge
		name string
	}
)

func (m gatherMeter) Int64ObservableCounter(name string, o ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	m.s.units[name] = metric.NewInt64ObservableCounterConfig(o...).Unit()
	return namedCounter{name: name}, m.s.broken
}

func (m gatherMeter) Int64ObservableGauge(name string, o ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	m.s.units[name] = metric.NewInt64ObservableGaugeConfig(o...).Unit()
	return namedGauge{name: name}, m.s.broken
}

func (m gatherMeter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.s.callback = f
	return gatherRegistration{s: m.s}, m.s.broken
}

type gatherRegistration struct {
	metricnoop.Registration
	s *gathered
}

func (r gatherRegistration) Unregister() error {
	close(r.s.ended)
	return nil
}

type gatherObserver struct {
	metricnoop.Observer
	values map[string]int64
}

func (o gatherObserver) ObserveInt64(i metric.Int64Observable, v int64, opts ...metric.ObserveOption) {
	set := metric.NewObserveConfig(opts).Attributes()
	suffix := "{" + set.Encoded(attribute.DefaultEncoder()) + "}"
	switch i := i.(type) {
	case namedCounter:
		o.values[i.name+suffix] = v
	case namedGauge:
		o.values[i.name+suffix] = v
	}
}

func (g gatherer) collect(ctx context.Context) map[string]int64 {
	o := gatherObserver{values: map[string]int64{}}
	_ = g.s.callback(ctx, o)
	return o.values
}

func TestStatsAreReported(t *testing.T) {
	g, b := newGatherer(), newBackend()
	s := newStore(t, b, sealed.WithNamespace("checkout"), sealed.WithMeterProvider(g))
	if want := map[string]string{
		"keychorus.seal.failures": "{value}", "keychorus.messages.dropped": "{message}",
		"keychorus.leases.taken_over": "{lease}", "keychorus.breaker.open": "{breaker}",
	}; !maps.Equal(g.s.units, want) {
		t.Errorf("the instruments are %v, want %v", g.s.units, want)
	}
	if g.s.release == "" || g.s.release != telemetry.Version() {
		t.Errorf("the instrumentation has version %q, want %q", g.s.release, telemetry.Version())
	}
	mustSave(t, s, record(), "")
	b.put(nameOf(t, s, theID, "set"), []byte("forged"), 0)
	_ = load(t, s)
	const suffix = "{keychorus.namespace=checkout}"
	want := map[string]int64{
		"keychorus.seal.failures" + suffix: 1, "keychorus.messages.dropped" + suffix: 0,
		"keychorus.leases.taken_over" + suffix: 0, "keychorus.breaker.open" + suffix: 0,
	}
	if got := g.collect(t.Context()); !maps.Equal(got, want) {
		t.Errorf("reported %v, want %v", got, want)
	}
	b.set(func() { b.down = true })
	for range 3 {
		_ = load(t, s)
	}
	if got := g.collect(t.Context())["keychorus.breaker.open"+suffix]; got != 1 {
		t.Errorf("the breaker is reported as %d, want 1", got)
	}
}

// Nobody closes a store: what reports it ends with it, and does not keep it.
func TestReportsEndWithTheStore(t *testing.T) {
	g := newGatherer()
	func() { newStore(t, newBackend(), sealed.WithMeterProvider(g)) }()
	for ended := false; !ended; {
		runtime.GC()
		select {
		case <-g.s.ended:
			ended = true
		case <-t.Context().Done():
			t.Fatal("still reported")
		default:
		}
	}
	if got := g.collect(t.Context()); len(got) > 0 {
		t.Errorf("reported %v of a store that is gone", got)
	}
}

func TestInstrumentsThatCannotBeMadeDoNoHarm(t *testing.T) {
	reported := 0
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { reported++ }))
	g := newGatherer()
	g.s.broken = errors.New("no instruments today")
	s := newStore(t, newBackend(), sealed.WithMeterProvider(g))
	mustSave(t, s, record(), "")
	if reported != 5 {
		t.Errorf("%d errors were reported, want those of 4 instruments and a callback", reported)
	}
}

func TestANilMeterProviderIsAnError(t *testing.T) {
	if _, err := sealed.New(newBackend(), newSecrets(t, "first"), sealed.WithMeterProvider(nil)); err == nil {
		t.Error("accepted")
	}
}
