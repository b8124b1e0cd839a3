package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/examples/telemetry"
)

// Without an endpoint nothing is installed, and with one that nobody listens at, a program
// starts and ends nevertheless.
func TestTheEnvironmentDecides(t *testing.T) {
	for name, tt := range map[string]struct {
		endpoint string
		records  bool
	}{
		"nothing": {"", false},
		"nobody":  {"http://127.0.0.1:1", true},
	} {
		t.Run(name, func(t *testing.T) {
			before := otel.GetTracerProvider()
			defer otel.SetTracerProvider(before)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", tt.endpoint)
			signals, err := telemetry.FromEnv(t.Context(), "test")
			if err != nil {
				t.Fatal(err)
			}
			if installed := otel.GetTracerProvider() != before; installed != tt.records {
				t.Errorf("a provider was installed: %v, want %v", installed, tt.records)
			}
			_, span := otel.Tracer("test").Start(t.Context(), "x")
			span.End()
			if err := signals.Shutdown(); (err != nil) != tt.records {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestARequestHasASpanWhileItIsMeasured(t *testing.T) {
	reader := metric.NewManualReader()
	signals, err := telemetry.Measure(t.Context(), "test", reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = signals.Shutdown() }()
	mux := http.NewServeMux()
	var within trace.SpanContext
	mux.HandleFunc("GET /books", func(_ http.ResponseWriter, r *http.Request) { within = trace.SpanContextFromContext(r.Context()) })
	telemetry.Handler(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/books", nil))
	if !within.IsValid() || within.IsSampled() {
		t.Errorf("the request is in %v", within)
	}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if name, _ := all.Resource.Set().Value("service.name"); name.AsString() != "test" || len(all.ScopeMetrics) == 0 {
		t.Errorf("%s has measured %v", name.AsString(), all.ScopeMetrics)
	}
}

// Whoever sends requests chooses their host, and makes no series by it.
func TestRequestsMakeNoSeriesOfTheirOwn(t *testing.T) {
	reader := metric.NewManualReader()
	signals, err := telemetry.Measure(t.Context(), "test", reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = signals.Shutdown() }()
	h := telemetry.Handler(http.NotFoundHandler())
	for i := range 20 {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/%d", i), nil)
		r.Host, r.Method = fmt.Sprintf("host-%d.example:%d", i, 1000+i), fmt.Sprintf("METHOD%d", i)
		r.Header.Set("User-Agent", fmt.Sprint("agent ", i))
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	measured := 0
	for _, m := range all.ScopeMetrics[0].Metrics {
		series := 0
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			series = len(data.DataPoints)
		case metricdata.Histogram[int64]:
			series = len(data.DataPoints)
		}
		if measured++; series != 1 {
			t.Errorf("%s has %d series", m.Name, series)
		}
	}
	if measured == 0 {
		t.Error("nothing was measured")
	}
}

// A program asks its environment whether to export, and goes on in any case.
func ExampleFromEnv() {
	mux := http.NewServeMux()
	run := func(ctx context.Context) (err error) {
		signals, err := telemetry.FromEnv(ctx, "bookstore")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, signals.Shutdown()) }()
		_ = telemetry.Handler(mux) // and so on: listen, and serve until ctx ends
		return nil
	}
	fmt.Println(run(context.Background()))
	// Output: <nil>
}
