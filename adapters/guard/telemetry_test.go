package guard_test

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// tally counts what its one counter is told, by attributes.
type tally struct {
	metricnoop.MeterProvider

	mu     *sync.Mutex
	counts map[string]int64
}

func newTally() tally { return tally{mu: new(sync.Mutex), counts: map[string]int64{}} }

func (t tally) Meter(scope string, _ ...metric.MeterOption) metric.Meter {
	if scope != guard.ScopeName {
		return metricnoop.Meter{}
	}
	return tallyMeter{tally: t}
}

type tallyMeter struct {
	metricnoop.Meter
	tally tally
}

func (m tallyMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return tallyCounter{tally: m.tally, name: name}, nil
}

type tallyCounter struct {
	metricnoop.Int64Counter
	tally tally
	name  string
}

func (tallyCounter) Enabled(context.Context) bool { return true }

func (c tallyCounter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	set := metric.NewAddConfig(opts).Attributes()
	c.tally.counts[c.name+" "+set.Encoded(attribute.DefaultEncoder())] += n
}

// Every decision is counted once, by what it was and why: also those that never reach the
// verifier, and those that come after it.
func TestEveryDecisionIsCountedOnce(t *testing.T) {
	seen, issuer, p := newTally(), newIssuer(t), newProver(t)
	g, err := guard.New(newVerifier(t, issuer, verifier.WithMeterProvider(seen)),
		guard.WithDPoP(guard.DPoP{}), guard.WithOptional(), guard.WithPreflight())
	if err != nil {
		t.Fatal(err)
	}
	strict, err := g.With(guard.WithRealm("strict"))
	if err != nil {
		t.Fatal(err)
	}
	good, bound := authorized("Bearer "+mint(t, issuer, nil)), p.token(t, issuer)
	proof := p.prove(t, bound, nil)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, r := range []guard.Request{
		good, authorized(), authorized("Bearer"), authorized("Bearer a", "Bearer b"), authorized("Bearer undefined"),
		proven("DPoP " + bound), proven("DPoP "+bound, "x"), proven("DPoP "+bound, proof), proven("DPoP "+bound, proof),
		{Method: http.MethodOptions, Header: http.Header{"Origin": {"o"}, "Access-Control-Request-Method": {"GET"}}},
	} {
		g.Check(t.Context(), r)
	}
	strict.Check(t.Context(), authorized(), verifier.Scopes("read"))
	strict.Check(t.Context(), good, verifier.Scopes("read"))
	strict.Check(t.Context(), good, verifier.MaxAuthAge(1))
	strict.Check(t.Context(), good, verifier.Requirement{})
	strict.Check(gone, good, slow(nil))
	strict.Check(t.Context(), good, failing(&verifier.Error{Reason: "made up"}))
	strict.Check(t.Context(), good, failing(&verifier.Error{Reason: verifier.ReasonRevocationUnavailable}))
	want := map[string]int64{
		"keychorus.outcome=allowed": 2, "keychorus.outcome=anonymous": 2,
		"error.type=no_credentials,keychorus.outcome=refused":             1,
		"error.type=malformed_header,keychorus.outcome=refused":           1,
		"error.type=multiple_credentials,keychorus.outcome=refused":       1,
		"error.type=placeholder,keychorus.outcome=refused":                1,
		"error.type=dpop_missing,keychorus.outcome=refused":               1,
		"error.type=dpop_malformed,keychorus.outcome=refused":             1,
		"error.type=dpop_replayed,keychorus.outcome=refused":              1,
		"error.type=scope,keychorus.outcome=refused":                      1,
		"error.type=step_up,keychorus.outcome=refused":                    1,
		"error.type=misconfigured,keychorus.outcome=error":                2,
		"error.type=canceled,keychorus.outcome=canceled":                  1,
		"error.type=revocation_unavailable,keychorus.outcome=unavailable": 1,
	}
	got := map[string]int64{}
	for name, n := range seen.counts {
		got[name[len("keychorus.guard.decisions "):]] = n
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted %v\nwant %v", got, want)
	}
}

// Whatever a request says, the series stay few and say nothing of it.
func TestHostileRequestsMakeNoSeries(t *testing.T) {
	const mark = "h0st1le"
	seen, issuer, p := newTally(), newIssuer(t), newProver(t)
	g, err := guard.New(newVerifier(t, issuer, verifier.WithMeterProvider(seen)), guard.WithDPoP(guard.DPoP{}), guard.WithCookie("c"))
	if err != nil {
		t.Fatal(err)
	}
	scope := failing(&verifier.Error{Reason: mark, Scopes: []string{mark}})
	good := "Bearer " + mint(t, issuer, devissuer.Claims{"sub": mark, "jti": mark})
	for i := range 2000 {
		id := mark + strconv.Itoa(i)
		for _, r := range []guard.Request{
			authorized("Bearer " + id), authorized(id), authorized("Bearer "+id, id), proven("DPoP "+id, id),
			proven("DPoP "+p.token(t, issuer), id), {Method: id, Path: id, Header: http.Header{"Cookie": {"c=" + id}}}, authorized(good),
		}[:5+2*(i%2)] {
			g.Check(t.Context(), r)
			g.Check(t.Context(), r, scope)
		}
	}
	for name := range seen.counts {
		if strings.Contains(name, mark) {
			t.Errorf("the series %s says what a request said", name)
		}
	}
	if n := len(seen.counts); n < 5 || n > 20 {
		t.Errorf("%d series: %v", n, seen.counts)
	}
}

// Counting costs a decision no memory, and without somebody who collects nothing is counted.
func TestCountingAllocatesNothing(t *testing.T) {
	issuer := newIssuer(t)
	r := authorized("Bearer " + mint(t, issuer, nil))
	allocations := func(opts ...verifier.Option) float64 {
		g, err := guard.New(newVerifier(t, issuer, opts...))
		if err != nil {
			t.Fatal(err)
		}
		g.Check(t.Context(), r)
		return testing.AllocsPerRun(200, func() { g.Check(t.Context(), r) })
	}
	least, slack := allocations(), 0.0
	if raceDetector { // under which sync.Pool forgets at random; the bound proper is held without it
		slack = least
	}
	for name, p := range map[string]metric.MeterProvider{"noop": metricnoop.NewMeterProvider(), "enabled": enabled{}} {
		if n := allocations(verifier.WithMeterProvider(p)); n > least+slack {
			t.Errorf("%s: %v allocations, want %v", name, n, least)
		}
	}
}

// enabled has counters that are, and keep nothing.
type enabled struct{ metricnoop.MeterProvider }

func (enabled) Meter(string, ...metric.MeterOption) metric.Meter { return enabledMeter{} }

type enabledMeter struct{ metricnoop.Meter }

func (enabledMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return enabledCounter{}, nil
}

type enabledCounter struct{ metricnoop.Int64Counter }

func (enabledCounter) Enabled(context.Context) bool { return true }
