package telemetry_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// A program installs the SDK once; the verifier needs nothing but the global providers. Spans
// belong behind the batch processor.
func Example() {
	reader := sdkmetric.NewManualReader() // a program takes sdkmetric.NewPeriodicReader(exporter)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	tracers := sdktrace.NewTracerProvider() // sdktrace.WithBatcher(exporter)
	otel.SetMeterProvider(meters)
	otel.SetTracerProvider(tracers)
	defer func() { _, _ = meters.Shutdown(context.Background()), tracers.Shutdown(context.Background()) }()

	issuer, err := devissuer.New("https://issuer.example.test", devissuer.WithAudience("https://api.example.test"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), HTTPClient: &http.Client{Transport: issuer.RoundTripper()}}},
		Audiences: []string{"https://api.example.test"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	good, err := issuer.Mint(nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{good, good, "undefined"} {
		_, _ = v.Verify(context.Background(), token)
	}

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		log.Fatal(err)
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		if m.Name != "keychorus.verify.duration" {
			continue
		}
		d, _ := m.Data.(metricdata.Histogram[float64])
		for _, p := range d.DataPoints {
			fmt.Println(p.Count, p.Attributes.Encoded(attribute.DefaultEncoder()))
		}
	}
	// Unordered output:
	// 2 keychorus.algorithm=RS256,keychorus.keys.state=fresh,keychorus.outcome=accepted,keychorus.token_cache=off
	// 1 error.type=placeholder,keychorus.outcome=refused
}
