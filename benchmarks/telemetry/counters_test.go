package telemetry_test

import (
	"testing"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
)

// The counters that alerts watch are exported before they count anything, whether the provider
// was there first or came later: else nobody would see their first step.
func TestWatchedCountersAreExportedFromTheStart(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	for _, c := range []struct {
		name string
		opts []verifier.Option
	}{
		{"a provider of its own", nil},
		{"the global one, set later", []verifier.Option{verifier.WithMeterProvider(otel.GetMeterProvider())}},
	} {
		b := newBench(t, nil, append(c.opts, verifier.WithKeyStore(memory.New()))...)
		if c.opts != nil {
			before := otel.GetMeterProvider()
			otel.SetMeterProvider(meters)
			defer otel.SetMeterProvider(before)
			b.metrics = reader
		}
		for range 2 {
			got := b.collect(t)
			for _, name := range []string{"keychorus.fetch.direct", "keychorus.store.heals", "keychorus.store.rollbacks_refused"} {
				all := series(t, got[name])
				if n, ok := all[""]; !ok || n != 0 || len(all) != 1 {
					t.Errorf("%s: %s has the series %v, want one that is 0", c.name, name, all)
				}
			}
		}
	}
}
