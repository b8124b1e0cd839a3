package main

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// signals are the two providers of the SDK. Whoever makes them ends them.
type signals struct {
	traces  *trace.TracerProvider
	metrics *metric.MeterProvider
}

// export sends spans and metrics to a collector, as a program in production does: spans in
// batches, in the background, and the global providers set before anything is verified. The
// address is of loopback here; elsewhere leave out WithInsecure.
func export(ctx context.Context, collector string) (*signals, error) {
	spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(collector), otlptracegrpc.WithInsecure())
	if err != nil {
		return nil, err
	}
	numbers, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(collector), otlpmetricgrpc.WithInsecure())
	if err != nil {
		return nil, errors.Join(err, spans.Shutdown(ctx))
	}
	return install(&signals{
		// The default sampler records everything below which nobody has decided. The API is
		// the first to see a request here; in production take trace.ParentBased with a ratio.
		traces:  trace.NewTracerProvider(trace.WithBatcher(spans), trace.WithResource(service())),
		metrics: metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(numbers)), metric.WithResource(service())),
	}), nil
}

// scraped measures for r, which is read from outside, and records no spans.
func scraped(r metric.Reader) *signals {
	return install(&signals{
		traces:  trace.NewTracerProvider(trace.WithSampler(trace.NeverSample())),
		metrics: metric.NewMeterProvider(metric.WithReader(r), metric.WithResource(service())),
	})
}

func install(s *signals) *signals {
	otel.SetTracerProvider(s.traces)
	otel.SetMeterProvider(s.metrics)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return s
}

func service() *resource.Resource {
	return resource.NewWithAttributes(semconv.SchemaURL, semconv.ServiceName("bookstore"))
}

func (s *signals) flush(ctx context.Context) error {
	return errors.Join(s.traces.ForceFlush(ctx), s.metrics.ForceFlush(ctx))
}

// shutdown has a deadline: a collector that is gone must not keep a program from ending.
func (s *signals) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(s.traces.Shutdown(ctx), s.metrics.Shutdown(ctx))
}
