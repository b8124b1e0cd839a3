package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/keychorus/keychorus/examples/collector"
	"github.com/keychorus/keychorus/examples/telemetry"
)

// The receiver gets every metric and the spans of a cold and a warm request, and nothing of
// a token.
func TestEverythingArrivesAndNothingOfTokens(t *testing.T) {
	var out strings.Builder
	if err := show(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"└─ keychorus.keys.lookup", "link → 2", " 2  keychorus.keys.refresh", "├─ HTTP GET", "error.type=expired",
		"keychorus.seal.failures            {value}     namespace=keychorus: 1",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

// What is missing is noticed.
func TestMissingSpansAndMetricsAreNoticed(t *testing.T) {
	span := func(id byte, parent []byte, name string) *trace.Span {
		return &trace.Span{SpanId: []byte{id}, ParentSpanId: parent, Name: name, StartTimeUnixNano: uint64(id)}
	}
	link := []*trace.Span_Link{{SpanId: []byte{9}}}
	for name, tt := range map[string]struct {
		spans []*trace.Span
		want  string
	}{
		"nothing":    {nil, "the spans of requests are missing"},
		"one":        {[]*trace.Span{span(1, nil, "GET /books")}, "the spans of requests are missing"},
		"no verify":  {[]*trace.Span{span(1, nil, "GET /books"), span(2, nil, "GET /books")}, `below GET /books are []`},
		"wrong span": {[]*trace.Span{span(1, nil, "GET /books"), span(2, nil, "GET /books"), span(3, []byte{1}, "x")}, `are ["x"]`},
		"no lookup": {[]*trace.Span{
			span(1, nil, "GET /books"), span(2, nil, "GET /books"), span(3, []byte{1}, "keychorus.verify"),
		}, `below keychorus.verify are []`},
		"no link": {[]*trace.Span{
			span(1, nil, "GET /books"), span(2, nil, "GET /books"), span(3, []byte{1}, "keychorus.verify"),
			span(4, []byte{3}, "keychorus.keys.lookup"),
		}, "does not link"},
		"link to nowhere": {[]*trace.Span{
			span(1, nil, "GET /books"), span(2, nil, "GET /books"), span(3, []byte{1}, "keychorus.verify"),
			{SpanId: []byte{4}, ParentSpanId: []byte{3}, Name: "keychorus.keys.lookup", Links: link},
		}, "does not link"},
		"empty refresh": {[]*trace.Span{
			span(1, nil, "GET /books"), span(2, nil, "GET /books"), span(3, []byte{1}, "keychorus.verify"),
			{SpanId: []byte{4}, ParentSpanId: []byte{3}, Name: "keychorus.keys.lookup", Links: link},
			span(9, nil, "keychorus.keys.refresh"),
		}, "below keychorus.keys.refresh are []"},
	} {
		t.Run(name, func(t *testing.T) {
			err := missing(&collector.Signals{Spans: tt.spans})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "keychorus.waiters is missing") {
				t.Errorf("%v", err)
			}
		})
	}
}

// A part of a token anywhere in what was received is found.
func TestConfidentialPartsAreFound(t *testing.T) {
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	calls, err := s.calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a header", "a jti", "a kid", "a payload", "a signature", "a sub", "a aud", "a azp"}
	slices.Sort(want)
	if kinds := s.sent.Kinds(); !slices.Equal(kinds, want) {
		t.Fatalf("searched for %q, want %q", kinds, want)
	}
	r, err := collector.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := tells(r, &s.sent); err != nil {
		t.Error(err)
	}
	signals, err := telemetry.Export(t.Context(), service, r.URL())
	if err != nil {
		t.Fatal(err)
	}
	_, span := otel.Tracer("test").Start(t.Context(), "x"+calls[0].token)
	span.End()
	if err := signals.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := tells(r, &s.sent); err == nil {
		t.Error("a token in a span was not found")
	}
}

// Prometheus gets its page until the program is interrupted.
func TestServingEndsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstLine{then: cancel}
	if err := serve(ctx, out, "127.0.0.1:0"); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(out.String(), "metrics=http://127.0.0.1:") {
		t.Errorf("said %q", out.String())
	}
	if err := serve(t.Context(), out, "nowhere:at:all"); err == nil {
		t.Error("a bad address is no error")
	}
}

// firstLine calls then after something was written.
type firstLine struct {
	bytes.Buffer
	then func()
}

func (f *firstLine) Write(p []byte) (int, error) {
	defer f.then()
	return f.Buffer.Write(p)
}
