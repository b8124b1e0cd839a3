package main

import (
	"errors"
	"fmt"
	"slices"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/keychorus/keychorus/examples/collector"
)

// expected are the metrics that a round makes.
func expected() []string {
	return []string{
		"keychorus.guard.decisions", "keychorus.verify.duration", "keychorus.token_cache.lookups", "keychorus.waiters",
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
func missing(got *collector.Signals) error {
	var problems []error
	for _, name := range expected() {
		if len(seriesOf(got.Metrics[name])) == 0 {
			problems = append(problems, fmt.Errorf("the metric %s is missing", name))
		}
	}
	requests := slices.DeleteFunc(got.Below(nil), func(s *trace.Span) bool { return s.GetName() != "GET /books" })
	if len(requests) < 2 {
		return errors.Join(append(problems, errors.New("the spans of requests are missing"))...)
	}
	return errors.Join(append(problems, cold(got, requests[0]), warm(got, requests[1]))...)
}

// cold checks a request that had to wait for keys: it links to the refresh that it waited for.
func cold(got *collector.Signals, request *trace.Span) error {
	verify, err := only(got, request, "keychorus.verify")
	if err != nil {
		return err
	}
	lookup, err := only(got, verify, "keychorus.keys.lookup")
	if err != nil {
		return err
	}
	refresh := got.Linked(lookup)
	if refresh.GetName() != "keychorus.keys.refresh" || len(refresh.GetParentSpanId()) > 0 {
		return errors.New("keychorus.keys.lookup does not link to a root span keychorus.keys.refresh")
	}
	if err := exactly(got, refresh, "keychorus.store.load", "keychorus.store.lease", "keychorus.store.load",
		"keychorus.jwks.fetch", "keychorus.store.save", "keychorus.store.end"); err != nil {
		return err
	}
	return exactly(got, got.Below(refresh)[3], "HTTP GET", "HTTP GET") // discovery, and the key set
}

// warm checks a request that found its key: the verification is a leaf.
func warm(got *collector.Signals, request *trace.Span) error {
	verify, err := only(got, request, "keychorus.verify")
	if err != nil {
		return err
	}
	return exactly(got, verify)
}

func only(got *collector.Signals, parent *trace.Span, name string) (*trace.Span, error) {
	if err := exactly(got, parent, name); err != nil {
		return nil, err
	}
	return got.Below(parent)[0], nil
}

func exactly(got *collector.Signals, parent *trace.Span, names ...string) error {
	if found := collector.Names(got.Below(parent)); !slices.Equal(found, names) {
		return fmt.Errorf("below %s are %q, want %q", parent.GetName(), found, names)
	}
	return nil
}
