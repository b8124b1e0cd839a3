package telemetry_test

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
)

// discard has instruments that are enabled and keep nothing.
type discard struct{ metricnoop.MeterProvider }

func (discard) Meter(string, ...metric.MeterOption) metric.Meter { return discardMeter{} }

type discardMeter struct{ metricnoop.Meter }

func (discardMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return discardHistogram{}, nil
}

type discardHistogram struct{ metricnoop.Float64Histogram }

func (discardHistogram) Enabled(context.Context) bool { return true }

func (discardMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return discardCounter{}, nil
}

type discardCounter struct{ metricnoop.Int64Counter }

func (discardCounter) Enabled(context.Context) bool { return true }
