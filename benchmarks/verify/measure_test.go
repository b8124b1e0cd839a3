package verify_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// timed is something that takes turns; run is called with a running number.
type timed struct {
	name string
	run  func(i int) error
	// calls make a turn of about the same length for all.
	calls int
}

// taken are the times of each round, in ns a call, by name.
type taken map[string][]float64

// takeTurns times all in rounds, each in an order of its own. Nothing may fail.
func takeTurns(tb testing.TB, rounds int, turn time.Duration, all []*timed) taken {
	tb.Helper()
	for _, t := range all {
		t.calls = t.callsIn(tb, turn)
	}
	times := taken{}
	for range rounds {
		for _, i := range rand.Perm(len(all)) {
			t := all[i]
			times[t.name] = append(times[t.name], float64(t.take(tb))/float64(t.calls))
		}
	}
	return times
}

// callsIn tells how many calls fit; the first ones, which fill what is filled once, do not count.
func (c *timed) callsIn(tb testing.TB, turn time.Duration) int {
	tb.Helper()
	c.calls = 2
	c.take(tb)
	for {
		if took := c.take(tb); took > turn/8 || c.calls > 1<<20 {
			return max(1, int(float64(turn)/float64(took)*float64(c.calls)))
		}
		c.calls *= 2
	}
}

func (c *timed) take(tb testing.TB) time.Duration {
	tb.Helper()
	began := time.Now()
	for i := range c.calls {
		if err := c.run(i); err != nil {
			tb.Fatalf("%s: %v", c.name, err)
		}
	}
	return time.Since(began)
}

// refused turns a check around: what must be refused.
func refused(run func(i int) error) func(i int) error {
	return func(i int) error {
		if run(i) == nil {
			return errAccepted
		}
		return nil
	}
}

// spread is the middle and the quartiles of what was found in rounds.
type spread struct{ low, middle, high float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)}
}

// quantile of sorted values, between two of them in proportion; NaN of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// to returns the ratio of two, round by round; NaN for what was not timed.
func (t taken) to(name, other string) spread {
	ratios := make([]float64, min(len(t[name]), len(t[other])))
	for i := range ratios {
		ratios[i] = t[name][i] / t[other][i]
	}
	return spreadOf(ratios)
}

func (t taken) ns(name string) float64 { return spreadOf(t[name]).middle }

// String prints three digits and the quartiles.
func (s spread) String() string {
	return fmt.Sprintf("%s (%s–%s)", digits(s.middle), digits(s.low), digits(s.high))
}

// digits prints two decimals, and from 10 on fewer.
func digits(x float64) string {
	switch {
	case math.IsNaN(x):
		return "–"
	case math.Abs(x) < 0.1:
		return fmt.Sprintf("%.3f", x)
	case math.Abs(x) < 10:
		return fmt.Sprintf("%.2f", x)
	default:
		return fmt.Sprintf("%.1f", x)
	}
}

// cost is what a call takes of the heap.
type cost struct{ allocs, bytes float64 }

// costOf counts on one processor; the least of several counts leaves out what others do meanwhile
// and pools that the collector has emptied.
func costOf(tb testing.TB, e effort, run func(i int) error) cost {
	tb.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	calls := 4 * e.tokens
	best := cost{math.Inf(1), math.Inf(1)}
	var before, after runtime.MemStats
	for range min(e.rounds, 5) {
		runtime.ReadMemStats(&before)
		for i := range calls {
			if err := run(i); err != nil {
				tb.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		best.allocs = min(best.allocs, math.Floor(float64(after.Mallocs-before.Mallocs)/float64(calls)))
		best.bytes = min(best.bytes, math.Floor(float64(after.TotalAlloc-before.TotalAlloc)/float64(calls)))
	}
	return best
}

func TestSpreadIsOfSortedValues(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3, 1, 2, 5, 4}, spread{2, 3, 4}},
		{[]float64{4, 1}, spread{1.75, 2.5, 3.25}},
		{[]float64{7}, spread{7, 7, 7}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
	ratios := taken{"a": {1, 6}, "b": {2, 3}}
	if got, want := ratios.to("a", "b"), (spread{0.875, 1.25, 1.625}); got != want {
		t.Errorf("ratio round by round: %v, want %v", got, want)
	}
}
