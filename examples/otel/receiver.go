package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// receiver stands where a collector would, and keeps what it is sent.
type receiver struct {
	addr   string
	server *grpc.Server
	ended  chan error

	mu      sync.Mutex
	spans   []*trace.Span
	metrics map[string]*metrics.Metric // the latest of each name
	raw     [][]byte
}

// receive starts a receiver on loopback. Close it.
func receive() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{
		addr: l.Addr().String(), server: grpc.NewServer(), ended: make(chan error, 1),
		metrics: make(map[string]*metrics.Metric),
	}
	collectortrace.RegisterTraceServiceServer(r.server, traceService{receiver: r})
	collectormetrics.RegisterMetricsServiceServer(r.server, metricsService{receiver: r})
	go func() { r.ended <- r.server.Serve(l) }()
	return r, nil
}

func (r *receiver) close() error {
	r.server.Stop()
	return <-r.ended
}

type traceService struct {
	collectortrace.UnimplementedTraceServiceServer
	*receiver
}

// Export implements the OTLP service of traces.
func (s traceService) Export(
	_ context.Context, in *collectortrace.ExportTraceServiceRequest,
) (*collectortrace.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.spans = append(s.spans, scope.GetSpans()...)
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, s.keep(in)
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
	*receiver
}

// Export implements the OTLP service of metrics.
func (s metricsService) Export(
	_ context.Context, in *collectormetrics.ExportMetricsServiceRequest,
) (*collectormetrics.ExportMetricsServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range in.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				s.metrics[m.GetName()] = m
			}
		}
	}
	return &collectormetrics.ExportMetricsServiceResponse{}, s.keep(in)
}

// keep keeps the bytes of a message, to be searched.
func (r *receiver) keep(m proto.Message) error {
	raw, err := proto.Marshal(m)
	r.raw = append(r.raw, raw)
	return err
}

// tells searches everything that was received for what must not be told; names says what each
// of the strings is.
func (r *receiver) tells(names map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var problems []error
	for secret, name := range names {
		if secret == "" || slices.ContainsFunc(r.raw, func(raw []byte) bool { return bytes.Contains(raw, []byte(secret)) }) {
			problems = append(problems, fmt.Errorf("%s was exported", name))
		}
	}
	return errors.Join(problems...)
}
