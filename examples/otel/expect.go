package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// expected are the metrics that a round makes.
func expected() []string {
	return []string{
		"keychorus.verify.duration", "keychorus.token_cache.lookups", "keychorus.waiters",
		"keychorus.fetch.duration", "keychorus.fetch.direct",
		"keychorus.keys.age", "keychorus.keys.time_left", "keychorus.keys.count",
		"keychorus.unknown_kid.decisions", "keychorus.store.duration", "keychorus.lease.claims",
		"keychorus.store.heals", "keychorus.store.rollbacks_refused",
		"keychorus.seal.failures", "keychorus.messages.dropped",
		"keychorus.leases.taken_over", "keychorus.breaker.open",
	}
}

// missing says what should have been received and was not: the metrics, and the shape of the
// first two requests.
func (r *receiver) missing() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var problems []error
	for _, name := range expected() {
		if len(seriesOf(r.metrics[name])) == 0 {
			problems = append(problems, fmt.Errorf("the metric %s is missing", name))
		}
	}
	requests := slices.DeleteFunc(r.below(nil), func(s *trace.Span) bool { return s.GetName() != "GET /books" })
	if len(requests) < 2 {
		return errors.Join(append(problems, errors.New("the spans of requests are missing"))...)
	}
	return errors.Join(append(problems, r.cold(requests[0]), r.warm(requests[1]))...)
}

// cold checks a request that had to wait for keys: it links to the refresh that it waited for.
func (r *receiver) cold(request *trace.Span) error {
	verify, err := r.only(request, "keychorus.verify")
	if err != nil {
		return err
	}
	lookup, err := r.only(verify, "keychorus.keys.lookup")
	if err != nil {
		return err
	}
	if len(lookup.GetLinks()) == 0 {
		return errors.New("keychorus.keys.lookup has no link")
	}
	link := lookup.GetLinks()[0]
	i := slices.IndexFunc(r.spans, func(s *trace.Span) bool { return bytes.Equal(s.GetSpanId(), link.GetSpanId()) })
	if i < 0 || r.spans[i].GetName() != "keychorus.keys.refresh" || len(r.spans[i].GetParentSpanId()) > 0 {
		return errors.New("keychorus.keys.lookup does not link to a root span keychorus.keys.refresh")
	}
	refresh := r.spans[i]
	if err := r.exactly(refresh, "keychorus.store.load", "keychorus.store.lease", "keychorus.store.load",
		"keychorus.jwks.fetch", "keychorus.store.save", "keychorus.store.end"); err != nil {
		return err
	}
	return r.exactly(r.below(refresh)[3], "HTTP GET", "HTTP GET") // discovery, and the key set
}

// warm checks a request that found its key: the verification is a leaf.
func (r *receiver) warm(request *trace.Span) error {
	verify, err := r.only(request, "keychorus.verify")
	if err != nil {
		return err
	}
	return r.exactly(verify)
}

func (r *receiver) only(parent *trace.Span, name string) (*trace.Span, error) {
	if err := r.exactly(parent, name); err != nil {
		return nil, err
	}
	return r.below(parent)[0], nil
}

func (r *receiver) exactly(parent *trace.Span, names ...string) error {
	spans := r.below(parent)
	got := make([]string, len(spans))
	for i, s := range spans {
		got[i] = s.GetName()
	}
	if !slices.Equal(got, names) {
		return fmt.Errorf("below %s are %q, want %q", parent.GetName(), got, names)
	}
	return nil
}
