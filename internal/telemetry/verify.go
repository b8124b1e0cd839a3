package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Verification is what is told of one call of Verify, or of VerifyDocument.
type Verification struct {
	Kind Kind
	// Reason is why it failed, "" if the token was accepted.
	Reason string
	// Keys are those of the issuer, nil if the token named none that is accepted.
	Keys *Keys
	// Algorithm, State and Cache are told of what was accepted.
	Algorithm string
	State     KeyState
	Cache     Cache
}

// StartVerify starts the span of a verification, if ctx holds one that is sampled or recorded.
// Else it returns ctx itself and nil. The caller ends the span.
func (t *Telemetry) StartVerify(ctx context.Context) (context.Context, trace.Span) {
	return t.start(ctx, VerifyRegion)
}

// StartDocument is StartVerify for a signed document that is no token.
func (t *Telemetry) StartDocument(ctx context.Context) (context.Context, trace.Span) {
	return t.start(ctx, DocumentRegion)
}

func (t *Telemetry) start(ctx context.Context, name string) (context.Context, trace.Span) {
	if t == nil || !traced(ctx) {
		return ctx, nil
	}
	return t.begin(ctx, name)
}

// begin starts a span, which whoever gets it ends.
func (t *Telemetry) begin(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, name, opts...) //nolint:spancheck // see above
}

// traced tells whether somebody follows what happens under ctx.
func traced(ctx context.Context) bool {
	parent := trace.SpanFromContext(ctx)
	return parent.SpanContext().IsSampled() || parent.IsRecording()
}

// Listening tells whether it is worth to call [Telemetry.Verified]. span is what
// [Telemetry.StartVerify] or [Telemetry.StartDocument] returned.
func (t *Telemetry) Listening(ctx context.Context, span trace.Span, k Kind) bool {
	return t != nil && (span != nil || t.verify[k].Enabled(ctx))
}

// Verified tells of a verification that began at a moment, in span if that is not nil.
func (t *Telemetry) Verified(ctx context.Context, span trace.Span, began time.Time, v Verification) {
	if t == nil {
		return
	}
	verdict, told := t.judge(&v)
	if verdict == nil {
		return // not in the closed lists
	}
	if hist := t.verify[v.Kind]; hist.Enabled(ctx) {
		hist.Record(ctx, time.Since(began).Seconds(), told.record...)
	}
	if span == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(told.attrs...)
	if v.Keys != nil {
		span.SetAttributes(v.Keys.issuer)
	}
	if verdict.outcome.ours() {
		span.SetStatus(codes.Error, v.Reason)
	}
}

// judge returns how a verification is told, nil if it is of no closed list. A failure tells its
// reason alone: whoever sends bad tokens would otherwise choose among more series.
func (t *Telemetry) judge(v *Verification) (*verdict, *told) {
	if v.Reason != "" {
		failed := t.failed[v.Reason]
		if failed == nil {
			return nil, nil
		}
		return failed, failed.failure(v.Reason)
	}
	alg, ok := t.algorithms[v.Algorithm]
	if !ok {
		return nil, nil
	}
	place := (alg*int(cacheStates)+int(v.Cache))*int(keyStates) + int(v.State)
	accepted := &t.accepted[place]
	return accepted, accepted.told.get(func() told {
		attrs := []attribute.KeyValue{algorithmKey.String("opaque")}
		if v.Algorithm != "" { // an opaque token meets no key
			attrs = []attribute.KeyValue{algorithmKey.String(v.Algorithm), stateKey.String(v.State.String())}
		}
		if v.Cache != Uncached {
			attrs = append(attrs, cacheKey.String(v.Cache.String()))
		}
		return tellBy(Accepted.String(), attrs...)
	})
}
