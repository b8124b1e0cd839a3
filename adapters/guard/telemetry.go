package guard

import (
	"context"
	"net/http"

	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/verifier"
)

// ScopeName is the instrumentation scope of the metric of a [Guard], for views. It counts with
// the provider of its verifier, see [verifier.WithMeterProvider]:
//
//	keychorus.guard.decisions  {decision}  what Check decided, by keychorus.outcome and error.type
//
// The attributes come from closed lists, see docs/observability.md.
const ScopeName = "github.com/keychorus/keychorus/adapters/guard"

// tallyOf returns what counts the decisions of guards with v.
func tallyOf(v *verifier.Verifier) *telemetry.Guard {
	reasons := make(map[string]telemetry.Outcome)
	for r := range verifier.Reasons() {
		reasons[string(r)] = outcomeOf(r)
	}
	return telemetry.NewGuard(v.MeterProvider(), ScopeName, reasons)
}

// outcomeOf sorts the reasons by who has to do something.
func outcomeOf(r verifier.Reason) telemetry.Outcome {
	switch r.Status() {
	case http.StatusServiceUnavailable:
		return telemetry.Unavailable
	case http.StatusInternalServerError:
		return telemetry.Failed
	case verifier.ReasonCanceled.Status():
		return telemetry.Canceled
	default:
		return telemetry.Refused
	}
}

// count tells of a decision.
func (g *Guard) count(ctx context.Context, d *Decision) {
	switch {
	case !g.tally.Listening(ctx):
	case d.allowed:
		g.tally.Passed(ctx, d.token == nil)
	default:
		g.tally.Refused(ctx, string(d.refusal().Reason))
	}
}
