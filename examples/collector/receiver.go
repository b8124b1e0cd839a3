package collector

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Receiver is a server of OTLP over gRPC, without TLS, that keeps all it is sent. It is safe
// for concurrent use.
type Receiver struct {
	addr   string
	server *grpc.Server
	ended  chan error

	mu       sync.Mutex
	sent     map[string]*Signals // by instance
	payloads [][]byte
}

// Start starts a receiver on a free port of loopback. Close it.
func Start() (*Receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Receiver{
		addr: l.Addr().String(), server: grpc.NewServer(), ended: make(chan error, 1),
		sent: make(map[string]*Signals),
	}
	collectortrace.RegisterTraceServiceServer(r.server, traceService{receiver: r})
	collectormetrics.RegisterMetricsServiceServer(r.server, metricsService{receiver: r})
	go func() { r.ended <- r.server.Serve(l) }()
	return r, nil
}

// URL is what OTEL_EXPORTER_OTLP_ENDPOINT has to be for programs to export here.
func (r *Receiver) URL() string { return "http://" + r.addr }

// Close ends the receiver. What it has received stays.
func (r *Receiver) Close() error {
	r.server.Stop()
	if err := <-r.ended; !errors.Is(err, grpc.ErrServerStopped) { // it was closed before it had begun to serve
		return err
	}
	return nil
}

// Of returns what a program has sent up to now: the one whose resource has this
// service.instance.id, or for "" those without any.
func (r *Receiver) Of(instance string) *Signals {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Signals{}
	if sent := r.sent[instance]; sent != nil {
		s.Spans, s.Metrics = slices.Clone(sent.Spans), maps.Clone(sent.Metrics)
	}
	return s
}

// Payloads returns the bytes of all messages up to now, of all programs.
func (r *Receiver) Payloads() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.payloads)
}

// from is what the program of a resource has sent. The caller holds mu.
func (r *Receiver) from(res *resource.Resource) *Signals {
	instance := ""
	if i := slices.IndexFunc(res.GetAttributes(), func(a *common.KeyValue) bool { return a.GetKey() == "service.instance.id" }); i >= 0 {
		instance = res.GetAttributes()[i].GetValue().GetStringValue()
	}
	if r.sent[instance] == nil {
		r.sent[instance] = &Signals{Metrics: make(map[string]*metrics.Metric)}
	}
	return r.sent[instance]
}

// keep keeps the bytes of a message. The caller holds mu.
func (r *Receiver) keep(m proto.Message) error {
	raw, err := proto.Marshal(m) // with what this version of OTLP does not know
	r.payloads = append(r.payloads, raw)
	return err
}

type traceService struct {
	collectortrace.UnimplementedTraceServiceServer

	receiver *Receiver
}

// Export implements the OTLP service of traces.
func (s traceService) Export(
	_ context.Context, in *collectortrace.ExportTraceServiceRequest,
) (*collectortrace.ExportTraceServiceResponse, error) {
	r := s.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, group := range in.GetResourceSpans() {
		sent := r.from(group.GetResource())
		for _, scope := range group.GetScopeSpans() {
			sent.Spans = append(sent.Spans, scope.GetSpans()...)
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, r.keep(in)
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer

	receiver *Receiver
}

// Export implements the OTLP service of metrics.
func (s metricsService) Export(
	_ context.Context, in *collectormetrics.ExportMetricsServiceRequest,
) (*collectormetrics.ExportMetricsServiceResponse, error) {
	r := s.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, group := range in.GetResourceMetrics() {
		sent := r.from(group.GetResource())
		for _, scope := range group.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				sent.Metrics[m.GetName()] = m
			}
		}
	}
	return &collectormetrics.ExportMetricsServiceResponse{}, r.keep(in)
}

// Signals is what one program has sent.
type Signals struct {
	Spans []*trace.Span // in the order of their arrival
	// Metrics has the latest of each name.
	Metrics map[string]*metrics.Metric
}
