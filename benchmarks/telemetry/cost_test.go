package telemetry_test

import (
	"context"
	"slices"
	"testing"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// setUp is a way to run a verifier.
type setUp struct {
	name string
	ctx  context.Context //nolint:containedctx // of the requests of this set-up
	opts []verifier.Option
}

// setUps are the ways from nothing to everything. The first is what the others are compared to.
func setUps(tb testing.TB) []setUp {
	tb.Helper()
	meters := func() verifier.Option {
		return verifier.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())))
	}
	off := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	on := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(dropping{}))
	tb.Cleanup(func() { _, _ = off.Shutdown(context.Background()), on.Shutdown(context.Background()) })
	unsampled, span := off.Tracer("server").Start(context.Background(), "request")
	span.End()
	sampled, span := on.Tracer("server").Start(context.Background(), "request")
	tb.Cleanup(func() { span.End() })
	return []setUp{
		{"none", context.Background(), nil},
		{"noop", context.Background(), []verifier.Option{
			verifier.WithTracerProvider(tracenoop.NewTracerProvider()), verifier.WithMeterProvider(metricnoop.NewMeterProvider()),
		}},
		{"metrics-unsampled", unsampled, []verifier.Option{verifier.WithTracerProvider(off), meters()}},
		{"metrics-sampled", sampled, []verifier.Option{verifier.WithTracerProvider(on), meters()}},
	}
}

// dropping is a processor as quick as one can be: what is exported is not the library's cost.
type dropping struct{}

func (dropping) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (dropping) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (dropping) Shutdown(context.Context) error                  { return nil }
func (dropping) ForceFlush(context.Context) error                { return nil }

// ready returns a function that verifies one known token once.
func (s setUp) ready(tb testing.TB, iss *devissuer.Issuer, token string, opts ...verifier.Option) func() {
	tb.Helper()
	p := policyOf(iss)
	p.Issuers = []verifier.Issuer{{URL: iss.URL(), StaticJWKS: iss.JWKS()}}
	v, err := verifier.New(p, slices.Concat(s.opts, opts)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	verify := func() {
		if _, err := v.Verify(s.ctx, token); err != nil {
			tb.Fatal(err)
		}
	}
	verify()
	return verify
}

func issuerOf(tb testing.TB, alg devissuer.Algorithm) (*devissuer.Issuer, string) {
	tb.Helper()
	iss, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(alg), devissuer.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	token, err := iss.Mint(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return iss, token
}

// The SDK with metrics costs no memory either, unless the request is sampled.
func TestSDKAllocations(t *testing.T) {
	iss, token := issuerOf(t, devissuer.Ed25519)
	for _, c := range []struct {
		name string
		opts []verifier.Option
	}{{"signature", nil}, {"cache hit", []verifier.Option{verifier.WithTokenCache(100)}}} {
		var least float64
		for i, s := range setUps(t) {
			if trace.SpanContextFromContext(s.ctx).IsSampled() {
				continue
			}
			verify := s.ready(t, iss, token, c.opts...)
			n := testing.AllocsPerRun(200, verify)
			if i == 0 {
				least = n
			}
			if n > least+slack {
				t.Errorf("%s, %s: %v allocations, want %v", c.name, s.name, n, least)
			}
			if c.opts != nil && n > slack {
				t.Errorf("%s, %s: %v allocations, want none", c.name, s.name, n)
			}
		}
	}
}
