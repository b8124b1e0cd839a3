package telemetry_test

import (
	"slices"
	"testing"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"

	"github.com/keychorus/keychorus/internal/telemetry"
)

func TestDecisionsAreCountedByOutcomeAndReason(t *testing.T) {
	r := newRecorder()
	g := telemetry.NewGuard(r.meterProvider(), "scope", options(r).Reasons)
	if !g.Listening(t.Context()) {
		t.Error("not listening")
	}
	g.Passed(t.Context(), false)
	g.Passed(t.Context(), true)
	for _, reason := range []string{"expired", "keys_unavailable", "canceled", "misconfigured", "made up"} {
		g.Refused(t.Context(), reason)
	}
	want := []string{
		"error.type=canceled,keychorus.outcome=canceled", "error.type=expired,keychorus.outcome=refused",
		"error.type=keys_unavailable,keychorus.outcome=unavailable", "error.type=misconfigured,keychorus.outcome=error",
		"keychorus.outcome=allowed", "keychorus.outcome=anonymous",
	}
	if got := r.series("keychorus.guard.decisions"); !slices.Equal(got, want) {
		t.Errorf("counted %q, want %q", got, want)
	}
}

func TestCountingDecisionsAllocatesNothing(t *testing.T) {
	for name, p := range map[string]metric.MeterProvider{"noop": metricnoop.NewMeterProvider(), "enabled": discard{}} {
		g := telemetry.NewGuard(p, "scope", map[string]telemetry.Outcome{"expired": telemetry.Refused})
		if n := testing.AllocsPerRun(200, func() {
			if g.Listening(t.Context()) {
				g.Passed(t.Context(), false)
				g.Refused(t.Context(), "expired")
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
