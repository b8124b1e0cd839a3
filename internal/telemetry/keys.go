package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/keystore"
)

// Keys tells what happens to the keys of one issuer, or of all that are not in the policy.
type Keys struct {
	t        *Telemetry
	issuer   attribute.KeyValue
	observed lazy[[]metric.ObserveOption]
}

// Keys returns what tells of an issuer's keys.
func (t *Telemetry) Keys(issuer string) *Keys {
	if t == nil {
		return nil
	}
	if k, ok := t.keys[issuer]; ok {
		return k
	}
	return t.dynamic
}

func newKeys(t *Telemetry, name string) *Keys { return &Keys{t: t, issuer: issuerKey.String(name)} }

// caused are the attributes that a span for the keys starts with.
func (k *Keys) caused(c Cause) trace.SpanStartOption {
	return trace.WithAttributes(k.issuer, causeKey.String(c.String()))
}

// Span is one that is under way, with its region. The zero Span tells nothing.
type Span struct {
	span   trace.Span
	region Region
}

// Context returns what links to the span name.
func (s Span) Context() trace.SpanContext {
	if s.span == nil {
		return trace.SpanContext{}
	}
	return s.span.SpanContext()
}

// end ends the span with an outcome and, if there is one, a problem, which is a fault of ours.
func (s Span) end(outcome attribute.KeyValue, problem string) {
	s.region.End()
	if s.span == nil {
		return
	}
	if s.span.IsRecording() {
		s.span.SetAttributes(outcome)
		if problem != "" {
			s.span.SetAttributes(errorType.String(problem))
			s.span.SetStatus(codes.Error, problem)
		}
	}
	s.span.End()
}

// StartRefresh starts the span of a look for newer keys, a trace of its own: it serves more
// than the request that caused it.
func (k *Keys) StartRefresh(ctx context.Context, c Cause) (context.Context, Span) {
	if k == nil {
		return ctx, Span{}
	}
	const name = "keychorus.keys.refresh"
	ctx, span := k.t.begin(ctx, name, k.caused(c), trace.WithNewRoot())
	return ctx, Span{span, k.t.Region(ctx, name)}
}

// EndRefresh ends the span. problem is of the closed list of the caller, "" if the look did not
// fail by itself.
func (s Span) EndRefresh(o keystore.Outcome, problem string) {
	s.end(outcomeKey.String(o.String()), problem)
}

// Fetch is an attempt at the issuer that is under way.
type Fetch struct {
	Span
	keys  *Keys
	cause Cause
	began time.Time
}

// StartFetch begins to tell of an attempt.
func (k *Keys) StartFetch(ctx context.Context, c Cause) (context.Context, Fetch) {
	if k == nil {
		return ctx, Fetch{}
	}
	const name = "keychorus.jwks.fetch"
	ctx, span := k.t.begin(ctx, name, k.caused(c))
	return ctx, Fetch{Span{span, k.t.Region(ctx, name)}, k, c, time.Now()}
}

// End tells the outcome. problem is of the closed list of the caller, and status is the HTTP
// status that explains it; "" and 0 if there is none. An attempt that was broken off is no
// measurement.
func (f Fetch) End(ctx context.Context, o keystore.Outcome, problem string, status int) {
	if f.keys == nil {
		return
	}
	if hist := f.keys.t.instruments.fetch; o >= keystore.Useful && o < keystore.Abandoned && hist.Enabled(ctx) {
		hist.Record(ctx, time.Since(f.began).Seconds(),
			recordBy(f.keys.issuer, causeKey.String(f.cause.String()), outcomeKey.String(o.String()))...)
	}
	if status != 0 {
		f.span.SetAttributes(statusKey.Int(status))
	}
	f.end(outcomeKey.String(o.String()), problem)
}

// Direct counts an attempt without the leave of a shared store.
func (k *Keys) Direct(ctx context.Context) {
	if k != nil && k.t.shared {
		k.t.direct.Add(ctx, 1)
	}
}

// Decided counts what was decided about an unknown kid.
func (k *Keys) Decided(ctx context.Context, d Decision) {
	if k != nil && k.t.unknown.Enabled(ctx) {
		by := k.t.decisions[d].get(func() []metric.AddOption { return addBy(decisionKey.String(d.String())) })
		k.t.unknown.Add(ctx, 1, *by...)
	}
}

// Lookup is a request that may have to wait for keys. It costs nothing until it does.
type Lookup struct {
	keys  *Keys
	cause Cause
	span  trace.Span
	last  trace.SpanContext
}

// Lookup returns one that does not wait yet.
func (k *Keys) Lookup(c Cause) Lookup { return Lookup{keys: k, cause: c} }

// Waits tells that the request waits, from the first call on. The caller calls Waited as often.
func (l *Lookup) Waits(ctx context.Context) {
	if l.keys == nil {
		return
	}
	l.keys.t.waiting.Add(1)
	if l.span == nil {
		_, l.span = l.keys.t.begin(ctx, "keychorus.keys.lookup", l.keys.caused(l.cause))
	}
}

// Waited tells that it waits no more, for a refresh if that is valid.
func (l *Lookup) Waited(refresh trace.SpanContext) {
	if l.keys == nil {
		return
	}
	l.keys.t.waiting.Add(-1)
	if refresh.IsValid() && !refresh.Equal(l.last) {
		l.span.AddLink(trace.Link{SpanContext: refresh})
		l.last = refresh
	}
}

// End ends the wait, if there was one, with the error that the request got.
func (l *Lookup) End(err error) {
	if l.span == nil {
		return
	}
	if t := l.keys.t; l.span.IsRecording() {
		outcome, reason := Accepted, ""
		if err != nil && t.reasonOf != nil {
			reason = t.reasonOf(err)
			if v := t.failed[reason]; v != nil {
				outcome = v.outcome
				l.span.SetAttributes(errorType.String(reason))
			}
		}
		if outcome.ours() {
			l.span.SetStatus(codes.Error, reason)
		}
	}
	l.span.End()
}
