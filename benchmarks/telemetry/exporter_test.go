package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// stuck is an exporter that answers nothing until it is released, and then fails.
type stuck struct {
	entered chan struct{}
	release chan struct{}
	once    sync.Once
}

func (s *stuck) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	s.once.Do(func() { close(s.entered) })
	<-s.release
	return errors.New("the collector is gone")
}

func (*stuck) Shutdown(context.Context) error { return nil }

// An exporter that hangs, and then fails, delays nothing behind the batch processor.
func TestAnExporterThatHangsDelaysNothing(t *testing.T) {
	var failures atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { failures.Add(1) }))
	s := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(s,
		sdktrace.WithMaxExportBatchSize(8), sdktrace.WithMaxQueueSize(16)))
	b := newBench(t, nil, verifier.WithTracerProvider(tracers))
	b.tracers = tracers
	token := b.token(t, nil)
	verify := func() {
		for range 100 {
			if _, err := b.request(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
	}
	verify()
	<-s.entered // from here on it hangs
	verify()
	close(s.release)
	verify()
	if err := tracers.Shutdown(t.Context()); err == nil && failures.Load() == 0 {
		t.Error("the exporter did not fail: the test shows nothing")
	}
}

// Only hosts that the policy names are told what is traced.
func TestTheTraceGoesToConfiguredHostsOnly(t *testing.T) {
	before := otel.GetTextMapPropagator()
	otel.SetTextMapPropagator(propagation.TraceContext{})
	defer otel.SetTextMapPropagator(before)
	var configured, elsewhere atomic.Value
	configured.Store("")
	elsewhere.Store("")
	// The keys are at another address than the issuer, known from its metadata alone.
	iss, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(audience))
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Store(r.Header.Get("Traceparent"))
		_, _ = w.Write(iss.JWKS())
	}))
	defer keys.Close()
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != issuerURL+"/.well-known/openid-configuration" {
			return http.DefaultTransport.RoundTrip(r)
		}
		configured.Store(r.Header.Get("Traceparent"))
		w := httptest.NewRecorder()
		_, _ = w.WriteString(`{"issuer":"` + issuerURL + `","jwks_uri":"` + keys.URL + `/keys"}`)
		return w.Result(), nil
	})
	b := newBench(t, func(p *verifier.Policy) { p.Issuers[0].HTTPClient = &http.Client{Transport: transport} })
	b.issuer = iss
	if _, err := b.request(t.Context(), b.token(t, nil)); err != nil {
		t.Fatal(err)
	}
	_ = b.Close() // the fetch is over, and its span has ended
	fetch := b.only(t, "keychorus.jwks.fetch").SpanContext()
	if want := "00-" + fetch.TraceID().String() + "-" + fetch.SpanID().String() + "-01"; configured.Load() != want {
		t.Errorf("the issuer was told %q, want %q", configured.Load(), want)
	}
	if got := elsewhere.Load(); got != "" {
		t.Errorf("a host from the metadata was told %q", got)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
