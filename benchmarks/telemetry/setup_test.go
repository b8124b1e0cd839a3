package telemetry_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuerURL = "https://issuer.example.test"
	audience  = "https://api.example.test"
)

// bench is a verifier whose every signal is kept.
type bench struct {
	*verifier.Verifier

	issuer  *devissuer.Issuer
	tracers *sdktrace.TracerProvider
	spans   *tracetest.SpanRecorder
	metrics *sdkmetric.ManualReader
}

func newBench(tb testing.TB, change func(*verifier.Policy), opts ...verifier.Option) *bench {
	tb.Helper()
	iss, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{issuer: iss, spans: tracetest.NewSpanRecorder(), metrics: sdkmetric.NewManualReader()}
	b.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(b.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(b.metrics))
	p := policyOf(iss)
	if change != nil {
		change(&p)
	}
	b.Verifier, err = verifier.New(p, append([]verifier.Option{
		verifier.WithTracerProvider(b.tracers), verifier.WithMeterProvider(meters),
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Close() })
	return b
}

func policyOf(iss *devissuer.Issuer) verifier.Policy {
	return verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: iss.URL(), HTTPClient: &http.Client{Transport: iss.RoundTripper()}}},
		Audiences: []string{audience},
	}
}

func (b *bench) token(tb testing.TB, c devissuer.Claims) string {
	tb.Helper()
	token, err := b.issuer.Mint(c)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// request verifies below a span of the program's own, and returns that span.
func (b *bench) request(ctx context.Context, token string) (sdktrace.ReadOnlySpan, error) {
	ctx, span := b.tracers.Tracer("server").Start(ctx, "GET /books")
	_, err := b.Verify(ctx, token)
	span.End()
	read, _ := span.(sdktrace.ReadOnlySpan)
	return read, err
}

// named returns the ended spans of a name, in the order of their ends.
func (b *bench) named(name string) []sdktrace.ReadOnlySpan {
	return slices.DeleteFunc(b.spans.Ended(), func(s sdktrace.ReadOnlySpan) bool { return s.Name() != name })
}

func (b *bench) only(tb testing.TB, name string) sdktrace.ReadOnlySpan {
	tb.Helper()
	all := b.named(name)
	if len(all) != 1 {
		tb.Fatalf("%d spans are named %s, want 1", len(all), name)
	}
	return all[0]
}

func text(kv []attribute.KeyValue) string {
	set := attribute.NewSet(kv...)
	return set.Encoded(attribute.DefaultEncoder())
}

// collect returns the instruments by name.
func (b *bench) collect(tb testing.TB) map[string]metricdata.Metrics {
	tb.Helper()
	var rm metricdata.ResourceMetrics
	if err := b.metrics.Collect(context.Background(), &rm); err != nil {
		tb.Fatal(err)
	}
	all := map[string]metricdata.Metrics{}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// series returns the value of each attribute set of an instrument: of a histogram its count.
func series(tb testing.TB, m metricdata.Metrics) map[string]float64 {
	tb.Helper()
	all := map[string]float64{}
	switch d := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			all[p.Attributes.Encoded(attribute.DefaultEncoder())] = float64(p.Count)
		}
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			all[p.Attributes.Encoded(attribute.DefaultEncoder())] = float64(p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range d.DataPoints {
			all[p.Attributes.Encoded(attribute.DefaultEncoder())] = float64(p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range d.DataPoints {
			all[p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
		}
	default:
		tb.Fatalf("%s is a %T", m.Name, m.Data)
	}
	return all
}

// foreignKeys is the key set of nobody, for tenants.
func foreignKeys(tb testing.TB) []byte {
	tb.Helper()
	iss, err := devissuer.New("https://nobody.example.test", devissuer.WithAlgorithm(devissuer.Ed25519))
	if err != nil {
		tb.Fatal(err)
	}
	return iss.JWKS()
}

func scope() instrumentation.Scope { return instrumentation.Scope{Name: verifier.ScopeName} }
