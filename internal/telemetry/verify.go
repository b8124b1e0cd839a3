package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Verification is what is told of one call of Verify.
type Verification struct {
	// Reason is why it failed, "" if the token was accepted.
	Reason string
	// Keys are those of the issuer, nil if the token named none that is accepted.
	Keys *Keys
	// Algorithm, State and Cache are told of accepted tokens.
	Algorithm string
	State     KeyState
	Cache     Cache
}

// StartVerify starts the span of a verification, if ctx holds one that is sampled or recorded.
// Else it returns ctx itself and nil. The caller ends the span.
func (t *Telemetry) StartVerify(ctx context.Context) (context.Context, trace.Span) {
	if t == nil || !traced(ctx) {
		return ctx, nil
	}
	return t.begin(ctx, "keychorus.verify", t.start...)
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
// [Telemetry.StartVerify] returned.
func (t *Telemetry) Listening(ctx context.Context, span trace.Span) bool {
	return t != nil && (span != nil || t.verify.Enabled(ctx))
}

// Verified tells of a verification that began at a moment, in span if that is not nil.
func (t *Telemetry) Verified(ctx context.Context, span trace.Span, began time.Time, v Verification) {
	if t == nil {
		return
	}
	told := t.verdict(&v)
	if told == nil {
		return // not in the closed lists
	}
	if t.verify.Enabled(ctx) {
		t.verify.Record(ctx, time.Since(began).Seconds(), told.record...)
	}
	if span == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(told.attrs...)
	if v.Keys != nil {
		span.SetAttributes(v.Keys.issuer)
	}
	if told.outcome.ours() {
		span.SetStatus(codes.Error, v.Reason)
	}
}

func (t *Telemetry) verdict(v *Verification) *verdict {
	if v.Reason != "" {
		return t.failed[v.Reason]
	}
	return t.accepted[v.Cache][v.State][v.Algorithm]
}
