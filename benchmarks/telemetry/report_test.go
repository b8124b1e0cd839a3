package telemetry_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/benchmarks/results"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

var (
	rounds = flag.Int("rounds", 0, "rounds of each measurement. Default: 2, with -write 100")
	write  = flag.String("write", "", "file whose section to write")
)

const preamble = `## Telemetry

What spans and metrics add to a verification, with the OpenTelemetry SDK %s. ` + "`make bench-telemetry`" + ` writes this section;
[observability.md](../docs/observability.md) tells what is recorded. In each round the set-ups take 11 short turns each, of which the middle one
counts; shares are of each round by itself, the middle of %d rounds with the quartiles in brackets. *No providers* is a program that installs no SDK: what telemetry does in a verification is timed
by itself, and compared to a whole one. *Metrics, not sampled* is the SDK with a sampler that is always off, *sampled* has a span for
every verification, which goes to a processor that drops it. Both are compared to no providers.

`

// TestCost measures, and writes what it has found where readers find it.
func TestCost(t *testing.T) {
	m := &measured{turn: time.Microsecond, rounds: 2, hostile: 2000}
	if *write != "" {
		m = &measured{turn: 300 * time.Microsecond, rounds: 100, hostile: many}
	}
	if *rounds > 0 {
		m.rounds = *rounds
	}
	m.own = ownCalls(t)
	m.measure(t)
	m.countSeries(t)
	text := m.report(t)
	if strings.Count(text, "reached") != len(m.goals()) {
		t.Errorf("goals are missing in\n%s", text)
	}
	if *write == "" {
		return
	}
	if err := results.Write(*write, "telemetry", text); err != nil {
		t.Fatal(err)
	}
}

// measured are times of one call in ns, by what was called and by round.
type measured struct {
	turn            time.Duration
	rounds, hostile int
	own             func() (ns, allocs float64)

	calls, es256       []float64 // telemetry without providers; a verification
	callAllocs         float64
	none, off, sampled []float64 // RS256
	offAllocs          float64
	series             int
}

// ownCalls returns a benchmark of what telemetry does in a verification without providers. It is
// one of the library's own, since others cannot call that by itself.
func ownCalls(t *testing.T) func() (ns, allocs float64) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "telemetry.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "./internal/telemetry")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line := regexp.MustCompile(`no_provider\S*\s+\d+\s+([\d.]+) ns/op.*\s(\d+) allocs/op`)
	return func() (ns, allocs float64) {
		out, err := exec.CommandContext(t.Context(), binary, "-test.run", "^$", "-test.bench", "^BenchmarkVerification$/^no_provider$",
			"-test.benchtime", "3ms").CombinedOutput()
		m := line.FindSubmatch(out)
		if err != nil || m == nil {
			t.Fatalf("%v: %s", err, out)
		}
		ns, _ = strconv.ParseFloat(string(m[1]), 64)
		allocs, _ = strconv.ParseFloat(string(m[2]), 64)
		return ns, allocs
	}
}

// measure times all in rounds, each in an order of its own.
func (m *measured) measure(t *testing.T) {
	t.Helper()
	iss, token := issuerOf(t, devissuer.RS256)
	ecdsa, other := issuerOf(t, devissuer.ES256)
	all := setUps(t)
	none, off, sampled := all[0].ready(t, iss, token), all[2].ready(t, iss, token), all[3].ready(t, iss, token)
	es256 := all[0].ready(t, ecdsa, other)
	m.offAllocs = testing.AllocsPerRun(200, off) - testing.AllocsPerRun(200, none)
	turns := []struct {
		call func()
		took *[]float64
	}{{es256, &m.es256}, {none, &m.none}, {off, &m.off}, {sampled, &m.sampled}}
	for range m.rounds {
		ns, allocs := m.own()
		m.calls, m.callAllocs = append(m.calls, ns), max(m.callAllocs, allocs)
		took := make([][]float64, len(turns))
		for range turnsInRound {
			for _, i := range rand.Perm(len(turns)) {
				took[i] = append(took[i], m.time(turns[i].call))
			}
		}
		for i, turn := range turns {
			*turn.took = append(*turn.took, middle(took[i]))
		}
	}
}

// turnsInRound are many and short: what else the machine does then spoils a few of them, and
// not the middle one, which counts.
const turnsInRound = 11

// time returns how long a call takes.
func (m *measured) time(call func()) float64 {
	n, began := 0, time.Now()
	for time.Since(began) < m.turn || n == 0 {
		for range 4 {
			call()
		}
		n += 4
	}
	return float64(time.Since(began)) / float64(n)
}

// countSeries counts what hostile tokens make of the histogram of verifications.
func (m *measured) countSeries(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := hospitable(t)
		for token := range hostileTokens(t, b, m.hostile) {
			_, _ = b.Verify(t.Context(), token)
		}
		m.series = len(series(t, b.collect(t)["keychorus.verify.duration"]))
	})
}

// goal is what is wanted beside what was found.
type goal struct {
	what, want, found string
	reached           bool
}

func (m *measured) goals() []goal {
	share := func(what string, part, whole []float64, minus, most float64) goal {
		percents := make([]float64, len(part))
		for i := range part {
			percents[i] = 100 * (part[i]/whole[i] - minus)
		}
		slices.Sort(percents)
		low, middle, high := quantile(percents, 0.25), quantile(percents, 0.5), quantile(percents, 0.75)
		return goal{what, fmt.Sprintf("≤ %g %%", most), fmt.Sprintf("%.2f %% (%.2f–%.2f)", middle, low, high), middle <= most}
	}
	count := func(what string, n, most float64) goal {
		want := "0"
		if most > 0 {
			want = fmt.Sprintf("≤ %.0f", most)
		}
		return goal{what, want, fmt.Sprintf("%.0f", n), n <= most}
	}
	return []goal{
		share("no providers, of ES256", m.calls, m.es256, 0, 1),
		share("no providers, of RS256", m.calls, m.none, 0, 1),
		count("allocations of no providers", m.callAllocs, 0),
		share("metrics, not sampled, on top of RS256", m.off, m.none, 1, 2),
		count("allocations on top", m.offAllocs, 0),
		share("sampled, on top of RS256", m.sampled, m.none, 1, 12),
		count(fmt.Sprintf("series of verifications after %d hostile tokens", m.hostile), float64(m.series), 200),
	}
}

func (m *measured) report(t *testing.T) string {
	t.Helper()
	version, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", "go.opentelemetry.io/otel/sdk").Output()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, preamble, strings.TrimSpace(string(version)), m.rounds)
	b.WriteString("|  | goal | found |  |\n|---|---|---|---|\n")
	for _, g := range m.goals() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", g.what, g.want, g.found, map[bool]string{true: "reached", false: "**not reached**"}[g.reached])
	}
	fmt.Fprintf(&b, "\nA verification without providers took %.1f µs with ES256 and %.1f µs with RS256, telemetry in it %.0f ns.\n",
		middle(m.es256)/1000, middle(m.none)/1000, middle(m.calls))
	fmt.Fprintf(&b, "\n%s on %s/%s, %d cores.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	return b.String()
}

func middle(values []float64) float64 { return quantile(slices.Sorted(slices.Values(values)), 0.5) }

// quantile of sorted values, between two of them in proportion.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func TestGoalsAreJudgedByTheMiddle(t *testing.T) {
	m := &measured{
		rounds: 3, calls: []float64{1, 1, 100}, es256: []float64{1000, 1000, 1000}, none: []float64{100, 100, 100},
		off: []float64{101, 103, 105}, sampled: []float64{100, 110, 300}, series: 201,
	}
	var got []string
	for _, g := range m.goals() {
		got = append(got, fmt.Sprint(g.found, " ", g.reached))
	}
	want := []string{
		"0.10 % (0.10–5.05) true", "1.00 % (1.00–50.50) true", "0 true",
		"3.00 % (2.00–4.00) false", "0 true", "10.00 % (5.00–105.00) true", "201 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}
