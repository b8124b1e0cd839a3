package sealed

import (
	"context"
	"errors"
	"runtime"
	"weak"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/keychorus/keychorus/internal/telemetry"
)

// ScopeName is the instrumentation scope of the metrics of a [Store].
const ScopeName = "github.com/keychorus/keychorus/keystore/sealed"

// WithMeterProvider reports [Store.Stats] with p, as
//
//	keychorus.seal.failures      {value}    stored values that were not believed
//	keychorus.messages.dropped   {message}  announcements that were not believed
//	keychorus.leases.taken_over  {lease}    leases that were not believed, or outlived their time
//	keychorus.breaker.open       {breaker}  1 while the back end is given a rest, else 0
//
// each with keychorus.namespace. How long calls take is measured by the verifier that makes
// them. A nil provider is an error. Default: the global provider,
// [go.opentelemetry.io/otel.GetMeterProvider].
func WithMeterProvider(p metric.MeterProvider) Option {
	return option(func(s *Store) error {
		if p == nil {
			return errors.New("sealed: WithMeterProvider: the provider is nil")
		}
		s.meters = p
		return nil
	})
}

// gauges are the instruments of a store.
type gauges struct {
	seals, messages, leases metric.Int64ObservableCounter
	breaker                 metric.Int64ObservableGauge
	labels                  []metric.ObserveOption
}

// observe reports the store for as long as somebody uses it. Nobody closes a store, so that
// what reports it must not hold it. Telemetry never keeps a program from working: what cannot be
// reported is told to the error handler of OpenTelemetry.
func (s *Store) observe() {
	if s.meters == nil {
		s.meters = otel.GetMeterProvider()
	}
	m := s.meters.Meter(ScopeName, metric.WithInstrumentationVersion(telemetry.Version()))
	g := gauges{
		seals: observable(m, "keychorus.seal.failures", "{value}",
			"Stored values that were not believed: forged, damaged, moved, or of the wrong type."),
		messages: observable(m, "keychorus.messages.dropped", "{message}", "Announcements that were not believed."),
		leases: observable(m, "keychorus.leases.taken_over", "{lease}",
			"Leases that were not believed, or that outlived their time."),
		labels: []metric.ObserveOption{metric.WithAttributeSet(
			attribute.NewSet(attribute.String("keychorus.namespace", s.namespace)))},
	}
	var err error
	if g.breaker, err = m.Int64ObservableGauge("keychorus.breaker.open", metric.WithUnit("{breaker}"),
		metric.WithDescription("1 while the back end fails and is given a rest.")); err != nil {
		otel.Handle(err)
		g.breaker = noop.Int64ObservableGauge{}
	}
	store := weak.Make(s)
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if s := store.Value(); s != nil {
			g.report(o, s.Stats())
		}
		return nil
	}, g.seals, g.messages, g.leases, g.breaker)
	if err != nil {
		otel.Handle(err)
		return
	}
	runtime.AddCleanup(s, func(r metric.Registration) { _ = r.Unregister() }, registration)
}

func observable(m metric.Meter, name, unit, description string) metric.Int64ObservableCounter {
	c, err := m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return noop.Int64ObservableCounter{}
	}
	return c
}

func (g *gauges) report(o metric.Observer, stats Stats) {
	o.ObserveInt64(g.seals, int64(stats.SealFailures), g.labels...)
	o.ObserveInt64(g.messages, int64(stats.DroppedMessages), g.labels...)
	o.ObserveInt64(g.leases, int64(stats.LeasesTakenOver), g.labels...)
	open := int64(0)
	if stats.Resting {
		open = 1
	}
	o.ObserveInt64(g.breaker, open, g.labels...)
}
