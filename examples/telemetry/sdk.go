package telemetry

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// patience is how long a program that ends waits for its collector.
const patience = 3 * time.Second

// Signals are the two providers of the SDK. Whoever makes them ends them, with Shutdown.
type Signals struct {
	traces  *trace.TracerProvider
	metrics *metric.MeterProvider
}

// FromEnv exports by OTLP over gRPC if OTEL_EXPORTER_OTLP_ENDPOINT is set, for instance to
// http://127.0.0.1:4317; else it does nothing. The exporters and the SDK read the other OTEL_
// variables of the OpenTelemetry specification too. service is the name if OTEL_SERVICE_NAME
// and OTEL_RESOURCE_ATTRIBUTES give none. No connection is made: a collector that is away keeps
// no program from starting.
func FromEnv(ctx context.Context, service string) (*Signals, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return &Signals{}, nil
	}
	return export(ctx, service, nil, nil)
}

// Export exports by OTLP over gRPC to the collector at a URL; http means without TLS.
func Export(ctx context.Context, service, url string) (*Signals, error) {
	return export(ctx, service,
		[]otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(url)}, []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpointURL(url)})
}

func export(ctx context.Context, service string, forSpans []otlptracegrpc.Option, forNumbers []otlpmetricgrpc.Option) (*Signals, error) {
	from, err := source(ctx, service)
	if err != nil {
		return nil, err
	}
	spans, err := otlptracegrpc.New(ctx, forSpans...)
	if err != nil {
		return nil, err
	}
	numbers, err := otlpmetricgrpc.New(ctx, forNumbers...)
	if err != nil {
		return nil, errors.Join(err, spans.Shutdown(ctx))
	}
	return install(&Signals{
		// The default sampler records everything below which nobody has decided. The API is
		// the first to see a request here; in production take trace.ParentBased with a ratio.
		traces:  trace.NewTracerProvider(trace.WithBatcher(spans), trace.WithResource(from)),
		metrics: metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(numbers)), metric.WithResource(from), withoutHosts()),
	}), nil
}

// Measure measures for r, which is read from outside, and records no spans.
func Measure(ctx context.Context, service string, r metric.Reader) (*Signals, error) {
	from, err := source(ctx, service)
	if err != nil {
		return nil, err
	}
	return install(&Signals{
		traces:  trace.NewTracerProvider(trace.WithSampler(trace.NeverSample())),
		metrics: metric.NewMeterProvider(metric.WithReader(r), metric.WithResource(from), withoutHosts()),
	}), nil
}

func install(s *Signals) *Signals {
	otel.SetTracerProvider(s.traces)
	otel.SetMeterProvider(s.metrics)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return s
}

// withoutHosts leaves the host out of measurements: it is what requests say, so whoever sends
// some would make as many series.
func withoutHosts() metric.Option {
	return metric.WithView(metric.NewView(metric.Instrument{Name: "http.server.*"}, metric.Stream{
		AttributeFilter: attribute.NewDenyKeysFilter(semconv.ServerAddressKey, semconv.ServerPortKey),
	}))
}

// source says who exports.
func source(ctx context.Context, service string) (*resource.Resource, error) {
	return resource.New(ctx, resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithAttributes(semconv.ServiceName(service)), resource.WithFromEnv())
}

// Flush sends what there is.
func (s *Signals) Flush(ctx context.Context) error {
	if s.traces == nil {
		return nil
	}
	return errors.Join(s.traces.ForceFlush(ctx), s.metrics.ForceFlush(ctx))
}

// Shutdown sends what there is and ends both providers, in 3 s at most: a collector that is
// gone must not keep a program from ending.
func (s *Signals) Shutdown() error {
	if s.traces == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	metrics := make(chan error, 1)
	go func() { metrics <- s.metrics.Shutdown(ctx) }() // spans that wait keep no metrics waiting
	return errors.Join(s.traces.Shutdown(ctx), <-metrics)
}

// Handler puts a span around every request to h, named by method and route. Verifications are
// below it.
func Handler(h http.Handler) http.Handler { return otelhttp.NewHandler(h, "") }
