package verifier_test

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/keychorus/keychorus/verifier"
)

// gauges keeps what callbacks observe, by instrument, when it is asked to collect.
type gauges struct {
	metricnoop.MeterProvider
	callback *metric.Callback
}

func (g gauges) Meter(string, ...metric.MeterOption) metric.Meter {
	return gaugesMeter{callback: g.callback}
}

type gaugesMeter struct {
	metricnoop.Meter
	callback *metric.Callback
}

func (m gaugesMeter) Int64ObservableCounter(name string, _ ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	return namedCounter{name: name}, nil
}

func (m gaugesMeter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	*m.callback = f
	return metricnoop.Registration{}, nil
}

type namedCounter struct {
	metricnoop.Int64ObservableCounter
	name string
}

// collected is an observer that keeps the counts by instrument and result.
type collected struct {
	metricnoop.Observer
	counts map[string]int64
	keys   map[string]int
}

func (c collected) ObserveInt64(o metric.Int64Observable, n int64, opts ...metric.ObserveOption) {
	set := metric.NewObserveConfig(opts).Attributes()
	if named, ok := o.(namedCounter); ok {
		for _, a := range set.ToSlice() {
			c.counts[named.name+" "+a.Value.AsString()] += n
		}
	}
	for _, a := range set.ToSlice() {
		c.keys[a.Value.AsString()]++
	}
}

// What is collected is what happened: each look into the token cache once, and every issuer of
// the policy.
func TestCollectionReadsTheCacheAndTheKeys(t *testing.T) {
	var callback metric.Callback
	p := goodPolicy()
	p.Issuers = append(p.Issuers, verifier.Issuer{URL: "https://two.example.test", StaticJWKS: testKey().jwks})
	v := newVerifier(t, p, verifier.WithMeterProvider(gauges{callback: &callback}), verifier.WithTokenCache(1000))
	token := sign(t, goodHeader(), goodClaims())
	for range 3 {
		wantReason(t, v, token, "")
	}
	wantReason(t, v, sign(t, goodHeader(), with(goodClaims(), object{"exp": 1})), verifier.ReasonExpired)
	c := collected{counts: map[string]int64{}, keys: map[string]int{}}
	if callback == nil {
		t.Fatal("nothing is observed")
	}
	if err := callback(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	const lookups = "keychorus.token_cache.lookups "
	if want := map[string]int64{lookups + "hit": 2, lookups + "miss": 2}; !maps.Equal(c.counts, want) {
		t.Errorf("counts %v, want %v", c.counts, want)
	}
	if c.keys[issuerURL] == 0 || c.keys["https://two.example.test"] == 0 {
		t.Errorf("issuers that are told of: %v", c.keys)
	}
}

// spans counts the spans that begin and end, by name.
type spans struct {
	tracenoop.TracerProvider
	seen *spanCounts
}

type spanCounts struct {
	mu           sync.Mutex
	begun, ended map[string]int
}

func (s spans) Tracer(string, ...trace.TracerOption) trace.Tracer { return spansTracer{seen: s.seen} }

type spansTracer struct {
	tracenoop.Tracer
	seen *spanCounts
}

func (s spansTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	s.seen.begun[name]++
	span := countedSpan{name: name, seen: s.seen}
	return trace.ContextWithSpan(ctx, span), span
}

type countedSpan struct {
	tracenoop.Span
	name string
	seen *spanCounts
}

func (countedSpan) IsRecording() bool { return true }

func (s countedSpan) End(...trace.SpanEndOption) {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	s.seen.ended[s.name]++
}

// A span that has begun ends, whatever becomes of the token or document, and also if a hook
// panics.
func TestSpansEnd(t *testing.T) {
	seen := &spanCounts{begun: map[string]int{}, ended: map[string]int{}}
	p := goodPolicy()
	v := newVerifier(t, p, verifier.WithTracerProvider(spans{seen: seen}),
		verifier.WithIssuerResolver(func(context.Context, string) (verifier.Issuer, bool, error) { panic(http.ErrAbortHandler) }))
	ctx := trace.ContextWithSpan(t.Context(), countedSpan{name: "the request", seen: seen})
	panics := func(do func()) {
		defer func() {
			if recover() == nil {
				t.Error("the hook did not panic")
			}
		}()
		do()
	}
	_, good := v.Verify(ctx, sign(t, goodHeader(), goodClaims()))
	_, bad := v.Verify(ctx, "x")
	_, goodDocument := v.VerifyDocument(ctx, issuerURL, sign(t, goodHeader(), documentClaims()))
	_, badDocument := v.VerifyDocument(ctx, issuerURL, "x")
	if good != nil || goodDocument != nil || reasonOf(t, bad) != verifier.ReasonOpaque || reasonOf(t, badDocument) != verifier.ReasonOpaque {
		t.Errorf("tokens %v, %v, documents %v, %v", good, bad, goodDocument, badDocument)
	}
	elsewhere := sign(t, goodHeader(), with(goodClaims(), object{"iss": "https://else.test"}))
	panics(func() { _, _ = v.Verify(ctx, elsewhere) })
	panics(func() { _, _ = v.VerifyDocument(ctx, "https://else.test", elsewhere) })
	seen.mu.Lock()
	defer seen.mu.Unlock()
	total := 0
	for _, n := range seen.begun {
		total += n
	}
	for name, n := range seen.begun {
		if n != 3 || seen.ended[name] != n {
			t.Errorf("%q began %d times and ended %d times", name, n, seen.ended[name])
		}
	}
	if total != 6 {
		t.Errorf("%d spans of 3 tokens and 3 documents: %v", total, seen.begun)
	}
}
