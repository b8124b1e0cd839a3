package collector

import (
	"bytes"
	"cmp"
	"slices"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Below returns the spans below one, or the roots for nil, in the order of their beginnings.
func (s *Signals) Below(parent *trace.Span) []*trace.Span {
	var found []*trace.Span
	for _, span := range s.Spans {
		if bytes.Equal(span.GetParentSpanId(), parent.GetSpanId()) {
			found = append(found, span)
		}
	}
	slices.SortFunc(found, func(a, b *trace.Span) int {
		return cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano())
	})
	return found
}

// Linked returns the span that the first link of a span leads to, or nil if there is none.
func (s *Signals) Linked(from *trace.Span) *trace.Span {
	if len(from.GetLinks()) == 0 {
		return nil
	}
	return s.Find(from.GetLinks()[0].GetTraceId(), from.GetLinks()[0].GetSpanId())
}

// Find returns the span of these IDs, or nil.
func (s *Signals) Find(traceID, spanID []byte) *trace.Span {
	i := slices.IndexFunc(s.Spans, func(span *trace.Span) bool {
		return bytes.Equal(span.GetTraceId(), traceID) && bytes.Equal(span.GetSpanId(), spanID)
	})
	if i < 0 {
		return nil
	}
	return s.Spans[i]
}

// Names are the names of spans.
func Names(spans []*trace.Span) []string {
	names := make([]string, len(spans))
	for i, span := range spans {
		names[i] = span.GetName()
	}
	return names
}
