package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

const issuer = "https://issuer.example.test"

func options(r *recorder) telemetry.Options {
	return telemetry.Options{
		TracerProvider: r.tracerProvider(), MeterProvider: r.meterProvider(),
		Reasons: map[string]telemetry.Outcome{
			"expired": telemetry.Refused, "keys_unavailable": telemetry.Unavailable,
			"canceled": telemetry.Canceled, "misconfigured": telemetry.Failed,
		},
		ReasonOf:   func(err error) string { return err.Error() },
		Algorithms: []string{"RS256", "EdDSA"}, Issuers: []string{issuer}, TokenCache: true, Shared: true,
	}
}

// sampled returns a context below a sampled span of another process.
func sampled(ctx context.Context) context.Context {
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{0xff}, TraceFlags: trace.FlagsSampled,
	}))
}

// use makes everything happen that can.
func use(ctx context.Context, t *telemetry.Telemetry) {
	traced := sampled(ctx)
	for _, v := range []telemetry.Verification{
		{Algorithm: "RS256", Cache: telemetry.CacheMiss}, {Algorithm: "EdDSA", State: telemetry.Stale, Cache: telemetry.CacheHit},
		{}, {Reason: "expired"}, {Reason: "keys_unavailable", Keys: t.Keys(issuer)}, {Reason: "canceled"}, {Reason: "misconfigured"},
		{Kind: telemetry.Document, Algorithm: "RS256", Cache: telemetry.Uncached}, {Kind: telemetry.Document, Reason: "expired"},
	} {
		start := t.StartVerify
		if v.Kind == telemetry.Document {
			start = t.StartDocument
		}
		inner, span := start(traced)
		t.Verified(inner, span, time.Now(), v)
		if span != nil {
			span.End()
		}
	}
	k := t.Keys(issuer)
	background, refresh := k.StartRefresh(ctx, telemetry.Cold)
	attempt, fetch := k.StartFetch(background, telemetry.Cold)
	fetch.End(attempt, keystore.Failed, "status", 503)
	for op := telemetry.Load; op <= telemetry.End; op++ {
		inner, call := k.StartCall(background, op)
		if op == telemetry.Lease {
			call.EndLease(inner, nil, keystore.Hold{Fetching: true}, nil)
		} else {
			call.End(inner, nil)
		}
	}
	k.Direct(background)
	k.Healed(background)
	k.RolledBack(background)
	refresh.EndRefresh(keystore.Failed, "status")
	l := k.Lookup(telemetry.UnknownKid)
	l.Waits(traced)
	l.Waited(refresh.Context())
	l.Waits(traced)
	l.Waited(refresh.Context())
	l.End(errors.New("keys_unavailable"))
	k.Decided(ctx, telemetry.Undecided)
	t.Observe(telemetry.Readings{
		TokenCache: func() (int64, int64) { return 3, 4 },
		Keys: func(yield func(string, telemetry.KeyHealth) bool) {
			yield(issuer, telemetry.KeyHealth{Count: 2, Age: time.Minute, TimeLeft: time.Hour, Ages: true, Expires: true})
		},
	})
}

// The names of doc.go, of docs/observability.md and of what is made are the same.
func TestNamesAreThoseOfTheDocumentation(t *testing.T) {
	r := newRecorder()
	use(t.Context(), telemetry.New(options(r)))
	_ = telemetry.NewGuard(r.meterProvider(), "scope", nil)
	made := map[string]bool{}
	for _, name := range r.names() {
		made[name+" "+r.units[name]] = true
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	instruments := regexp.MustCompile(`(?m)^//\t(keychorus[.\w]+) +(s|\{\w+\})(?: |$)`).FindAllSubmatch(doc, -1)
	for _, m := range instruments {
		key := string(m[1]) + " " + string(m[2])
		if !made[key] {
			t.Errorf("doc.go lists %s, which is not made", key)
		}
		delete(made, key)
		if want := fmt.Sprintf("| `%s` | `%s` |", m[1], m[2]); !strings.Contains(string(page), want) {
			t.Errorf("docs/observability.md has no row %q", want)
		}
	}
	for key := range made {
		t.Errorf("doc.go does not list %s", key)
	}
	for _, s := range r.spans {
		name := strings.Replace(s.name, "keychorus.store", "", 1)
		if !strings.Contains(string(doc), name) || !strings.Contains(string(page), "`"+s.name+"`") {
			t.Errorf("the span %s is not documented", s.name)
		}
		if s.ends != 1 {
			t.Errorf("the span %s was ended %d times", s.name, s.ends)
		}
	}
}

func TestSpansFormTwoTraces(t *testing.T) {
	r := newRecorder()
	use(t.Context(), telemetry.New(options(r)))
	byName := map[string]*span{}
	for _, s := range r.spans {
		byName[s.name] = s
	}
	refresh, lookup := byName["keychorus.keys.refresh"], byName["keychorus.keys.lookup"]
	if refresh.parent.IsValid() {
		t.Error("a refresh is the child of something")
	}
	for _, name := range []string{"keychorus.jwks.fetch", "keychorus.store.load", "keychorus.store.lease"} {
		if byName[name].parent != refresh.context.SpanID() {
			t.Errorf("%s is not a child of the refresh", name)
		}
	}
	if lookup.parent != (trace.SpanID{0xff}) {
		t.Error("a lookup is not a child of its request")
	}
	if len(lookup.links) != 1 || !lookup.links[0].SpanContext.Equal(refresh.context) {
		t.Errorf("the lookup has the links %v, want one to the refresh", lookup.links)
	}
	for s, want := range map[*span]codes.Code{refresh: codes.Error, lookup: codes.Error, byName["keychorus.store.load"]: codes.Unset} {
		if s.status != want {
			t.Errorf("%s has status %v, want %v", s.name, s.status, want)
		}
	}
	if got, want := byName["keychorus.jwks.fetch"].text(),
		"error.type=status,http.response.status_code=503,keychorus.cause=cold,keychorus.issuer=https://issuer.example.test,keychorus.outcome=failed"; got != want {
		t.Errorf("the fetch has %s, want %s", got, want)
	}
}

func TestOnlyFaultsOfOursAreErrors(t *testing.T) {
	r := newRecorder()
	use(t.Context(), telemetry.New(options(r)))
	want := map[string]codes.Code{
		"error.type=expired,keychorus.outcome=refused":                                                               codes.Unset,
		"error.type=canceled,keychorus.outcome=canceled":                                                             codes.Unset,
		"error.type=keys_unavailable,keychorus.issuer=https://issuer.example.test,keychorus.outcome=unavailable":     codes.Error,
		"error.type=misconfigured,keychorus.outcome=error":                                                           codes.Error,
		"keychorus.algorithm=RS256,keychorus.keys.state=fresh,keychorus.outcome=accepted,keychorus.token_cache=miss": codes.Unset,
		"keychorus.algorithm=EdDSA,keychorus.keys.state=stale,keychorus.outcome=accepted,keychorus.token_cache=hit":  codes.Unset,
		"keychorus.algorithm=opaque,keychorus.outcome=accepted,keychorus.token_cache=off":                            codes.Unset,
	}
	for _, s := range r.spans {
		if s.name != "keychorus.verify" {
			continue
		}
		if status, ok := want[s.text()]; !ok || status != s.status {
			t.Errorf("a span with %s has status %v, want %v", s.text(), s.status, status)
		}
		delete(want, s.text())
	}
	if len(want) > 0 {
		t.Errorf("no span with %v", want)
	}
	if n := len(r.series("keychorus.verify.duration")); n != 7 {
		t.Errorf("%d series, want one for each of 7 ends", n)
	}
	if got, want := r.series("keychorus.verify_document.duration"), []string{
		"error.type=expired,keychorus.outcome=refused",
		"keychorus.algorithm=RS256,keychorus.keys.state=fresh,keychorus.outcome=accepted",
	}; !slices.Equal(got, want) {
		t.Errorf("documents have the series %q, want %q", got, want)
	}
}

func TestVerificationIsTracedBelowASampledSpanOnly(t *testing.T) {
	r := newRecorder()
	tel := telemetry.New(options(r))
	unsampled := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	for _, ctx := range []context.Context{t.Context(), unsampled} {
		if got, span := tel.StartVerify(ctx); span != nil || got != ctx {
			t.Error("a span was started")
		}
	}
	recording := trace.ContextWithSpan(t.Context(), &span{})
	for _, ctx := range []context.Context{sampled(t.Context()), recording} {
		if _, span := tel.StartVerify(ctx); span == nil {
			t.Error("no span was started")
		}
	}
}

func TestValuesOutsideTheListsAreNotTold(t *testing.T) {
	r := newRecorder()
	tel := telemetry.New(options(r))
	for _, kind := range []telemetry.Kind{telemetry.Token, telemetry.Document} {
		for _, v := range []telemetry.Verification{{Kind: kind, Reason: "made up"}, {Kind: kind, Algorithm: "none"}} {
			tel.Verified(t.Context(), nil, time.Now(), v)
		}
	}
	for _, name := range []string{"keychorus.verify.duration", "keychorus.verify_document.duration"} {
		if got := r.series(name); len(got) > 0 {
			t.Errorf("%s told %v", name, got)
		}
	}
	if tel.Keys("https://tenant.example.test") != tel.Keys("https://other.example.test") {
		t.Error("two issuers outside the policy are told apart")
	}
}

func TestReadingsEndWithClose(t *testing.T) {
	r := newRecorder()
	tel := telemetry.New(options(r))
	use(t.Context(), tel)
	got := r.collect(t.Context())
	for name, want := range map[string][]float64{
		"keychorus.keys.age": {60}, "keychorus.keys.time_left": {3600}, "keychorus.keys.count": {2},
		"keychorus.token_cache.lookups": {3, 4}, "keychorus.waiters": {0},
	} {
		if !slices.Equal(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	tel.Close()
	tel.Close()
	if got := r.collect(t.Context()); len(got) > 0 {
		t.Errorf("%v is still told", got)
	}
}

func TestStoreIsToldOfOnlyIfShared(t *testing.T) {
	r := newRecorder()
	o := options(r)
	o.Shared = false
	use(t.Context(), telemetry.New(o))
	for _, name := range []string{
		"keychorus.store.duration", "keychorus.lease.claims", "keychorus.fetch.direct",
		"keychorus.store.heals", "keychorus.store.rollbacks_refused",
	} {
		r.collect(t.Context())
		if got := r.series(name); len(got) > 0 {
			t.Errorf("%s has %v", name, got)
		}
	}
}

// What alerts watch is there before the first step, which nobody would see otherwise.
func TestWatchedCountersExistBeforeTheyCount(t *testing.T) {
	r := newRecorder()
	tel := telemetry.New(options(r))
	tel.Observe(telemetry.Readings{Keys: func(func(string, telemetry.KeyHealth) bool) {}})
	r.collect(t.Context())
	for _, name := range []string{"keychorus.fetch.direct", "keychorus.store.heals", "keychorus.store.rollbacks_refused"} {
		if got := r.series(name); !slices.Equal(got, []string{""}) {
			t.Errorf("%s has the series %q, want one without attributes", name, got)
		}
	}
}
