package verifier

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/telemetry"
)

// ScopeName is the instrumentation scope of the spans and metrics of a [Verifier], for views
// and samplers. Their names and attributes are in docs/observability.md.
const ScopeName = telemetry.ScopeName

// WithTracerProvider starts spans with p: for a call of Verify if its context holds a sampled
// or recording span, for a request that has to wait for keys, and for work in the background,
// where p's sampler decides. Spans hold the issuers of the policy and closed lists, and
// nothing from a token. A nil provider is an error. Default: the global provider,
// [go.opentelemetry.io/otel.GetTracerProvider].
func WithTracerProvider(p trace.TracerProvider) Option {
	return option(func(c *config) error {
		if p == nil {
			return errors.New("verifier: WithTracerProvider: the provider is nil")
		}
		c.tracers = p
		return nil
	})
}

// WithMeterProvider measures with p: durations of verifications and fetches, the age of keys,
// what was decided about unknown ones. What comes from outside makes no series. [Verifier.Close]
// ends what is observed. A nil provider is an error. Default: the global provider,
// [go.opentelemetry.io/otel.GetMeterProvider].
func WithMeterProvider(p metric.MeterProvider) Option {
	return option(func(c *config) error {
		if p == nil {
			return errors.New("verifier: WithMeterProvider: the provider is nil")
		}
		c.meters = p
		return nil
	})
}

// WithProfiling marks the parts of a verification and of the work for keys as regions of
// execution traces (package runtime/trace): keychorus.verify, keychorus.keys.lookup,
// keychorus.signature, keychorus.verify_document, and those that are named like the spans of
// background work. They show in go tool trace under user-defined regions, with the time that
// each spent running, waiting and blocked. While no trace is being taken a region costs some
// nanoseconds and no memory. Default: nothing is marked.
func WithProfiling() Option {
	return option(func(c *config) error {
		c.profiled = true
		return nil
	})
}

// MeterProvider returns the provider of [WithMeterProvider], or the global one: for what counts
// beside the verifier, as package guard does.
func (v *Verifier) MeterProvider() metric.MeterProvider { return v.telemetry.Meters() }

// telemetryOf returns what a verifier for p tells.
func telemetryOf(p *Policy, c *config) *telemetry.Telemetry {
	o := telemetry.Options{
		TracerProvider: c.tracers, MeterProvider: c.meters,
		Reasons:    make(map[string]telemetry.Outcome),
		ReasonOf:   func(err error) string { return string(keyError(err).Reason) },
		TokenCache: c.cacheEntries > 0, Shared: c.store != nil, Profiled: c.profiled,
	}
	for r := range Reasons() {
		o.Reasons[string(r)] = outcomeOf(r)
	}
	for _, alg := range jws.Algorithms() {
		o.Algorithms = append(o.Algorithms, string(alg))
	}
	for i := range p.Issuers {
		o.Issuers = append(o.Issuers, p.Issuers[i].URL)
	}
	return telemetry.New(o)
}

// outcomeOf sorts the reasons by who has to do something.
func outcomeOf(r Reason) telemetry.Outcome {
	root := r.Root()
	switch {
	case r == ReasonCanceled:
		return telemetry.Canceled
	case errors.Is(root, ErrUnavailable):
		return telemetry.Unavailable
	case errors.Is(root, ErrMisconfigured):
		return telemetry.Failed
	default:
		return telemetry.Refused
	}
}

// observe reports the state of the keys and of the token cache when metrics are collected.
func (v *Verifier) observe() {
	r := telemetry.Readings{Keys: func(yield func(string, telemetry.KeyHealth) bool) {
		for _, iss := range v.issuers {
			if !yield(iss.url, iss.source.Gauge()) {
				return
			}
		}
	}}
	if v.cache != nil {
		r.TokenCache = v.cache.lookups
	}
	v.telemetry.Observe(r)
}

// sight is what a verification met on its way.
type sight struct {
	issuer *issuer // nil if the token named none that is accepted
	cache  telemetry.Cache
}

// tell tells of a verification that is over: to telemetry, and to the log if it failed.
func (v *Verifier) tell(ctx context.Context, span trace.Span, arrived time.Time, met *sight, t *Token, e *Error) {
	if e != nil && v.refusals != nil {
		v.refusals.count(ctx, arrived, met.issuer, e.Reason)
	}
	if !v.telemetry.Listening(ctx, span, telemetry.Token) {
		return
	}
	told := telemetry.Verification{Cache: met.cache}
	if met.issuer != nil {
		told.Keys = met.issuer.source.Telemetry()
	}
	switch {
	case e != nil:
		told.Reason = string(e.Reason)
	case t.algorithm != "": // not an opaque one
		told.Algorithm = string(t.algorithm)
		told.State = met.issuer.source.State(arrived)
	}
	v.telemetry.Verified(ctx, span, arrived, told)
}

// tellDocument is tell for a document. It is not logged: whoever posts documents gets an answer
// of the program's own, which logs as it likes.
func (v *Verifier) tellDocument(ctx context.Context, span trace.Span, arrived time.Time, met *sight, alg jws.Algorithm, e *Error) {
	if !v.telemetry.Listening(ctx, span, telemetry.Document) {
		return
	}
	told := telemetry.Verification{Kind: telemetry.Document, Cache: telemetry.Uncached}
	if met.issuer != nil {
		told.Keys = met.issuer.source.Telemetry()
	}
	if e != nil {
		told.Reason = string(e.Reason)
	} else {
		told.Algorithm = string(alg)
		told.State = met.issuer.source.State(arrived)
	}
	v.telemetry.Verified(ctx, span, arrived, told)
}
