package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
)

// Guard counts what the guards of a program decide. It is safe for concurrent use; nil counts
// nothing.
type Guard struct {
	decisions metric.Int64Counter
	passed    [2]lazy[told] // with a token, and anonymous
	refused   map[string]*verdict
}

// NewGuard returns what counts with p, in the instrumentation scope of the name. reasons are
// why a request may be refused, each with its outcome: others are not counted.
func NewGuard(p metric.MeterProvider, scope string, reasons map[string]Outcome) *Guard {
	m := p.Meter(scope, metric.WithInstrumentationVersion(Version()))
	return &Guard{
		decisions: counter(m, "keychorus.guard.decisions", "{decision}", "Requests to guarded routes, by what was decided."),
		refused:   verdictsOf(reasons),
	}
}

// Listening tells whether somebody collects.
func (g *Guard) Listening(ctx context.Context) bool { return g != nil && g.decisions.Enabled(ctx) }

// Passed counts a request that may pass, with a token or as anonymous.
func (g *Guard) Passed(ctx context.Context, anonymous bool) {
	outcome, place := "allowed", 0
	if anonymous {
		outcome, place = "anonymous", 1
	}
	told := g.passed[place].get(func() told { return tellBy(outcome) })
	g.decisions.Add(ctx, 1, told.add...)
}

// Refused counts a request that may not.
func (g *Guard) Refused(ctx context.Context, reason string) {
	if v := g.refused[reason]; v != nil {
		g.decisions.Add(ctx, 1, v.failure(reason).add...)
	}
}
