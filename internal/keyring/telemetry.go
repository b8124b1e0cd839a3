package keyring

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

// State returns the state of the keys that verify at a moment.
func (s *Source) State(now time.Time) telemetry.KeyState {
	switch snap := s.snap.Load(); {
	case snap == nil:
		return telemetry.Stale
	case !snap.due(now):
		return telemetry.Fresh
	case snap.age(now) > snap.staleAge:
		return telemetry.Stale
	default:
		return telemetry.Due
	}
}

// Telemetry returns what tells of the source.
func (s *Source) Telemetry() *telemetry.Keys { return s.tell }

// Gauge reports on the source, for telemetry. It takes no lock.
func (s *Source) Gauge() telemetry.KeyHealth {
	now, snap := time.Now(), s.snap.Load()
	if snap == nil {
		return telemetry.KeyHealth{Expires: true}
	}
	h := telemetry.KeyHealth{Count: snap.set.Len()}
	if snap.maxAge == never {
		return h
	}
	h.Ages, h.Age, h.Expires = true, snap.age(now), true
	if snap.usable(now) {
		h.TimeLeft = snap.maxAge - h.Age
	}
	return h
}

// traced is look, with a span that those who wait for it can link to.
func (s *Source) traced(ctx context.Context, asked string) (keystore.Outcome, time.Duration) {
	ctx, span := s.beginRefresh(ctx, asked)
	outcome, cooldown := s.look(ctx, asked)
	span.EndRefresh(outcome, s.trouble)
	return outcome, cooldown
}

func (s *Source) beginRefresh(ctx context.Context, asked string) (context.Context, telemetry.Span) {
	now, snap := time.Now(), s.snap.Load()
	s.trouble = ""
	switch {
	case snap != nil && snap.purged:
		s.cause = telemetry.Operator
	case !snap.usable(now):
		s.cause = telemetry.Cold
	case asked != "":
		s.cause = telemetry.UnknownKid
	default:
		s.cause = telemetry.Refresh
	}
	ctx, span := s.tell.StartRefresh(ctx, s.cause)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh = span.Context()
	return ctx, span
}

// refreshed is the refresh that a request waited for, if it waited for one.
func (s *Source) refreshed(busy bool) trace.SpanContext {
	if !busy {
		return trace.SpanContext{}
	}
	return s.refresh
}

// fetched tells what became of an attempt.
func (s *Source) fetched(ctx context.Context, f telemetry.Fetch, asked string, err error) {
	outcome := keystore.Useful
	trouble, status := troubleOf(err)
	s.trouble = trouble
	switch {
	case err != nil:
		outcome = keystore.Failed
	case asked != "" && !s.snap.Load().holds(asked):
		outcome = keystore.Absent
	}
	f.End(ctx, outcome, trouble, status)
}

// decided tells what was decided about an unknown kid.
func (s *Source) decided(ctx context.Context, key *jws.Key, code Code, cooling bool, err error) {
	var e *Error
	d := telemetry.Undecided
	switch {
	case key != nil && err == nil:
		d = telemetry.Found
	case err == nil && code != Unknown:
		d = telemetry.Unfit
	case err == nil && cooling:
		d = telemetry.Cooling
	case err == nil:
		d = telemetry.Absent
	case !errors.As(err, &e):
	case e.Code == Busy:
		d = telemetry.TooMany
	case e.Code == Canceled:
		d = telemetry.Left
	}
	s.tell.Decided(ctx, d)
}

// trouble names why a refresh failed that did not get its turn, "" if it did not fail.
func (t *turn) trouble() string {
	switch {
	case t.outcome != keystore.Failed:
		return ""
	case t.crowded:
		return "crowded"
	default:
		return "cooling"
	}
}

// troubleOf names what an attempt ran into, from a closed list, and the HTTP status that
// explains it.
func troubleOf(err error) (name string, status int) {
	var fe *jwks.FetchError
	switch {
	case err == nil:
		return "", 0
	case errors.Is(err, errNoUsableKeys):
		return "no_usable_keys", 0
	case !errors.As(err, &fe):
		return "no_key_set", 0
	}
	if name, ok := troubles[fe.Code]; ok {
		return name, fe.Status
	}
	return "other", fe.Status
}

// troubles is read-only.
var troubles = map[jwks.FetchCode]string{
	jwks.Unreachable:        "unreachable",
	jwks.TimedOut:           "timeout",
	jwks.Status:             "status",
	jwks.Redirected:         "redirect",
	jwks.TooLarge:           "too_large",
	jwks.NotModifiedUnasked: "not_modified_unasked",
	jwks.NotMetadata:        "no_metadata",
	jwks.IssuerMismatch:     "issuer_mismatch",
	jwks.InsecureURL:        "insecure_url",
	jwks.Forbidden:          "forbidden_address",
}
