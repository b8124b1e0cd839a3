package verifier_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/keychorus/keychorus/verifier"
)

func TestNilProvidersAreErrors(t *testing.T) {
	for name, o := range map[string]verifier.Option{
		"tracer provider": verifier.WithTracerProvider(nil), "meter provider": verifier.WithMeterProvider(nil),
	} {
		v, err := verifier.New(goodPolicy(), o)
		if !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%s: %v", name, err)
		}
		if v != nil {
			_ = v.Close()
		}
	}
}

// counting has instruments that are enabled and count what they get.
type counting struct {
	metricnoop.MeterProvider
	records   *atomic.Int64
	documents *atomic.Int64
	callbacks *atomic.Int64
}

func newCounting() counting {
	return counting{records: new(atomic.Int64), documents: new(atomic.Int64), callbacks: new(atomic.Int64)}
}

func (c counting) Meter(name string, _ ...metric.MeterOption) metric.Meter {
	if name != verifier.ScopeName {
		return metricnoop.Meter{}
	}
	return countingMeter{c: c}
}

type countingMeter struct {
	metricnoop.Meter
	c counting
}

func (m countingMeter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	if name == "keychorus.verify_document.duration" {
		return countingHistogram{records: m.c.documents}, nil
	}
	return countingHistogram{records: m.c.records}, nil
}

func (m countingMeter) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	m.c.callbacks.Add(1)
	return countingRegistration{c: m.c}, nil
}

type countingRegistration struct {
	metricnoop.Registration
	c counting
}

func (r countingRegistration) Unregister() error {
	r.c.callbacks.Add(-1)
	return nil
}

type countingHistogram struct {
	metricnoop.Float64Histogram
	records *atomic.Int64
}

func (countingHistogram) Enabled(context.Context) bool { return true }

func (h countingHistogram) Record(context.Context, float64, ...metric.RecordOption) {
	h.records.Add(1)
}

func TestEveryVerificationIsMeasuredOnce(t *testing.T) {
	c := newCounting()
	v := newVerifier(t, goodPolicy(), verifier.WithMeterProvider(c))
	wantReason(t, v, sign(t, goodHeader(), goodClaims()), "")
	wantReason(t, v, "", verifier.ReasonNoCredentials)
	wantReason(t, v, "a.b.c", verifier.ReasonMalformed)
	wantReason(t, v, sign(t, goodHeader(), with(goodClaims(), object{"exp": 1})), verifier.ReasonExpired)
	if n := c.records.Load(); n != 4 {
		t.Errorf("%d measurements of 4 verifications", n)
	}
	for _, document := range []string{sign(t, goodHeader(), documentClaims()), sign(t, goodHeader(), goodClaims()), ""} {
		_, _ = v.VerifyDocument(t.Context(), issuerURL, document)
	}
	_, _ = v.VerifyDocument(t.Context(), "https://other.example.test", "")
	if n := c.documents.Load(); n != 4 {
		t.Errorf("%d measurements of 4 documents", n)
	}
	if n := c.records.Load(); n != 4 {
		t.Errorf("%d measurements of 4 verifications after the documents", n)
	}
}

func TestMeterProviderIsTheOneInUse(t *testing.T) {
	c := newCounting()
	if got := newVerifier(t, goodPolicy(), verifier.WithMeterProvider(c)).MeterProvider(); got != c {
		t.Errorf("the provider is %v, want the one of the option", got)
	}
	if got := newVerifier(t, goodPolicy()).MeterProvider(); got != otel.GetMeterProvider() {
		t.Errorf("the provider is %v, want the global one", got)
	}
}

func TestCloseEndsWhatIsObserved(t *testing.T) {
	c := newCounting()
	v := newVerifier(t, goodPolicy(), verifier.WithMeterProvider(c))
	if n := c.callbacks.Load(); n != 1 {
		t.Errorf("%d callbacks, want 1", n)
	}
	_ = v.Close()
	_ = v.Close()
	if n := c.callbacks.Load(); n != 0 {
		t.Errorf("%d callbacks after Close", n)
	}
	if _, err := verifier.New(verifier.Policy{}, verifier.WithMeterProvider(c)); err == nil || c.callbacks.Load() != 0 {
		t.Errorf("a verifier that was not made observes: %v", err)
	}
}

// Telemetry costs no memory: whatever the providers, a verification below a span that is not
// sampled allocates what it does without any.
func TestTelemetryAllocations(t *testing.T) {
	unsampled := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1},
	}))
	silent := []verifier.Option{
		verifier.WithTracerProvider(tracenoop.NewTracerProvider()), verifier.WithMeterProvider(metricnoop.NewMeterProvider()),
	}
	measured := []verifier.Option{
		verifier.WithTracerProvider(tracenoop.NewTracerProvider()), verifier.WithMeterProvider(newCounting()),
	}
	least := allocations(t.Context(), t, silent)
	slack := 0.0
	if raceDetector { // under which sync.Pool forgets at random; the bound proper is held without it
		slack = least
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		opts []verifier.Option
	}{
		"no provider": {t.Context(), nil}, "no provider, unsampled": {unsampled, nil},
		"noop, unsampled": {unsampled, silent}, "metrics": {t.Context(), measured}, "metrics, unsampled": {unsampled, measured},
		"profiling": {t.Context(), append(measured, verifier.WithProfiling())},
	} {
		t.Run(name, func(t *testing.T) {
			if n := allocations(c.ctx, t, c.opts); n > least+slack {
				t.Errorf("%v allocations, want %v", n, least)
			}
			if n := allocations(c.ctx, t, append(c.opts, verifier.WithTokenCache(100))); n > slack {
				t.Errorf("%v allocations for a hit of the token cache, want none", n)
			}
		})
	}
}

func allocations(ctx context.Context, t *testing.T, opts []verifier.Option) float64 {
	t.Helper()
	v := newVerifier(t, goodPolicy(), opts...)
	token := sign(t, goodHeader(), goodClaims())
	if _, err := v.Verify(ctx, token); err != nil {
		t.Fatal(err)
	}
	return testing.AllocsPerRun(200, func() { _, _ = v.Verify(ctx, token) })
}
