package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

func TestNilTellsNothing(t *testing.T) {
	var none *telemetry.Telemetry
	use(t.Context(), none)
	none.Close()
	if none.Listening(sampled(t.Context()), nil, telemetry.Token) {
		t.Error("nil listens")
	}
	if (*telemetry.Guard)(nil).Listening(t.Context()) {
		t.Error("a nil guard listens")
	}
	if none.Meters() == nil {
		t.Error("nil has no provider")
	}
}

// Instruments that cannot be made tell nothing, and nothing else suffers.
func TestBrokenInstrumentsDoNoHarm(t *testing.T) {
	var reported int
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { reported++ }))
	r := newRecorder()
	r.broken = errors.New("no instruments today")
	tel := telemetry.New(options(r))
	use(t.Context(), tel)
	tel.Close()
	if reported != len(r.units)+1 { // and the callback
		t.Errorf("%d errors were reported of %d instruments and a callback", reported, len(r.units))
	}
	for name := range r.units {
		if got := r.series(name); len(got) > 0 {
			t.Errorf("%s has %v", name, got)
		}
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	global, noop, silent, full := telemetry.Options{}, telemetry.Options{}, newRecorder(), newRecorder()
	noop.TracerProvider, noop.MeterProvider = tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()
	silent.silent = true
	full.silent = true
	withReasons := func(o telemetry.Options) telemetry.Options {
		like := options(silent)
		like.TracerProvider, like.MeterProvider = o.TracerProvider, o.MeterProvider
		return like
	}
	for name, o := range map[string]telemetry.Options{
		"no provider": withReasons(global), "noop providers": withReasons(noop), "instruments not enabled": options(silent),
		"instruments enabled": {
			TracerProvider: noop.TracerProvider, MeterProvider: discard{},
			Reasons: options(full).Reasons, Algorithms: []string{"RS256"}, TokenCache: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tel := telemetry.New(o)
			ctx, arrived := t.Context(), time.Now()
			for what, v := range map[string]telemetry.Verification{
				"accepted": {Algorithm: "RS256", Cache: telemetry.CacheMiss, Keys: tel.Keys("x")}, "refused": {Reason: "expired"},
				"document": {Kind: telemetry.Document, Algorithm: "RS256", Cache: telemetry.Uncached},
			} {
				if n := testing.AllocsPerRun(200, func() {
					inner, span := tel.StartVerify(ctx)
					if tel.Listening(inner, span, v.Kind) {
						tel.Verified(inner, span, arrived, v)
					}
					tel.Keys("x").Decided(inner, telemetry.Cooling)
				}); n > 0 {
					t.Errorf("%s: %v allocations", what, n)
				}
			}
		})
	}
}

// Outcomes of stores and leases are told apart.
func TestStoreOutcomes(t *testing.T) {
	r := newRecorder()
	k := telemetry.New(options(r)).Keys(issuer)
	for _, err := range []error{
		nil, keystore.ErrNotFound, keystore.ErrUnusable, keystore.ErrConflict, keystore.ErrUnavailable,
		context.Canceled, context.DeadlineExceeded, errors.New("what is this"),
	} {
		ctx, call := k.StartCall(t.Context(), telemetry.Load)
		call.End(ctx, err)
	}
	if got := r.series("keychorus.store.duration"); len(got) != 6 {
		t.Errorf("outcomes %v, want 6", got)
	}
	for _, c := range []struct {
		lease keystore.Lease
		hold  keystore.Hold
		err   error
	}{
		{lease: lease{}}, {hold: keystore.Hold{Fetching: true}}, {hold: keystore.Hold{Outcome: keystore.Failed}},
		{err: keystore.ErrUnavailable},
	} {
		ctx, call := k.StartCall(t.Context(), telemetry.Lease)
		call.EndLease(ctx, c.lease, c.hold, c.err)
	}
	if got := r.series("keychorus.lease.claims"); len(got) != 4 {
		t.Errorf("claims %v, want 4", got)
	}
	if len(r.spans) > 0 {
		t.Errorf("%d spans without a span above", len(r.spans))
	}
}

type lease struct{}

func (lease) End(context.Context, keystore.Outcome, time.Duration) error { return nil }
