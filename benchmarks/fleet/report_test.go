package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/benchmarks/plot"
	"github.com/keychorus/keychorus/benchmarks/results"
)

const preamble = `## A fleet

What many replicas cost an issuer and the Redis server that they share. ` + "`make bench-fleet`" + ` writes this section. Counts are what
matters here; times were taken on one machine, which everything shared.

### Real replicas

Verifiers in one process, each with a go-redis client, connections and a store of its own, on one redis-server. The issuer, on
loopback as well, takes 200 ms for an answer, which the times include: they count from when it is asked to when a replica has the key.
*First on one*: one replica meets the first token under a new key, the others hear of it through the store. *Everywhere at once*: all
meet it at the same moment. A thousand replicas that share two cores are slower than a thousand machines: the store's timeout is 1 s here
instead of 100 ms.

`

const simulationText = `
### Simulated replicas

The same code in virtual time; only the server is made up: one queue, 7 µs for a round trip, 2 µs for each further command of it, 9 µs
for each subscriber of a message, as measured on Redis 7.0. The issuer takes 200 ms. No request was lost in any of these; none with a known key waited
for anything. *Served after* is how long requests took that needed the new key or the first ones. A budget that is not kept fails the run.

`

// write puts everything where readers find it.
func (r *run) write(t *testing.T, path string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(preamble)
	r.real(&b)
	b.WriteString(simulationText)
	r.simulated(&b)
	fmt.Fprintf(&b, "\n%s on %s/%s, %d cores.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if t.Failed() {
		t.Fatal("nothing is written, this would have been:\n" + b.String())
	}
	if err := results.Write(path, "fleet", b.String()); err != nil {
		t.Fatal(err)
	}
	plots := filepath.Join(filepath.Dir(path), "plots")
	if err := os.MkdirAll(plots, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]plot.Chart{"fetches": r.fetches(), "propagation": r.propagation(), "frozen": r.frozenStore()} {
		svg, err := c.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(plots, name+".svg"), svg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// ms prints a duration in milliseconds, with a digit after the point below 10.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	if v < 10 {
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}

func both(m measured) string {
	p50, p99 := quantiles(m.delays)
	return ms(p50) + " / " + ms(p99)
}

func (r *run) real(b *strings.Builder) {
	b.WriteString("| replicas | 1st fetches, shared | each for itself | fetches per new key, shared | each for itself | commands per replica at the start | per new key | first on one, p50 / p99 | everywhere at once, p50 / p99 |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range r.comparisons {
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %.1f | %.1f | %s | %s |\n", count(c.n), c.cold.fetches, count(c.aloneCold.fetches),
			c.per(c.atOnce), c.per(c.alone), c.cold.commands, c.atOnce.commands, both(c.pushed), both(c.atOnce))
	}
	b.WriteString("\n![Fetches per new key by number of replicas](plots/fetches.svg)\n\n![Time until a new key is everywhere by number of replicas](plots/propagation.svg)\n\n")
	f := r.frozen
	fmt.Fprintf(b, `**Frozen.** The server is stopped for %g s (SIGSTOP) under %d replicas on go-redis with its defaults. Of %s verifications with a known key
%d were lost, and %d took %s or more; of %s on as many verifiers without a store, beside them, %d did. The longest of %d calls of a
store took %s. A call of the client by itself took %.1f s.
`,
		f.length.Seconds(), f.replicas, count(f.known.requests), f.known.lost, f.known.blocked, ms(blockedFor),
		count(f.control.requests), f.control.blocked, f.loads, ms(f.longestLoad), f.ownClient.Seconds())
}

// per returns the fetches of one rotation.
func (c comparison) per(m measured) string { return count(m.fetches / c.rotations) }

// count prints a number with a comma between thousands.
func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}

func (r *run) simulated(b *strings.Builder) {
	b.WriteString("| event | replicas | fetches | most in 1 s | round trips per replica | longest queue | served after, p50 / p99 | budget |\n|---|---|---|---|---|---|---|---|\n")
	for _, w := range r.rows {
		after := "–"
		if w.first.requests > 1 {
			after = ms(w.first.p50) + " / " + ms(w.first.p99)
		}
		queue := ms(w.queue)
		if w.queue > 5*time.Second {
			queue = "as frozen"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %.1f | %s | %s | %s |\n", w.event, count(w.n), count(w.fetches), w.most, w.trips, queue, after, w.budget)
	}
	calm := r.rows[0]
	fmt.Fprintf(b, "\nIn calm times %s replicas keep %.2f %% of one core of the server busy.\n", count(calm.n), 100*calm.busy)
	b.WriteString("\n![Fetches per second while the store is frozen](plots/frozen.svg)\n")
}

func (r *run) fetches() plot.Chart {
	shared, alone := plot.Line{Name: "one store for all"}, plot.Line{Name: "each replica for itself"}
	for _, c := range r.comparisons {
		n := float64(c.n)
		shared.X, shared.Y = append(shared.X, n), append(shared.Y, float64(c.atOnce.fetches)/float64(c.rotations))
		alone.X, alone.Y = append(alone.X, n), append(alone.Y, float64(c.alone.fetches)/float64(c.rotations))
	}
	return plot.Chart{
		Title: "Fetches per new key", X: "replicas", Y: "fetches", LogX: true, LogY: true, XTicks: shared.X, Lines: []plot.Line{alone, shared},
	}
}

func (r *run) propagation() plot.Chart {
	lines := []plot.Line{{Name: "everywhere at once, p99"}, {Name: "everywhere at once, p50"}, {Name: "first on one, p99"}, {Name: "first on one, p50"}}
	for _, c := range r.comparisons {
		a50, a99 := quantiles(c.atOnce.delays)
		b50, b99 := quantiles(c.pushed.delays)
		for i, d := range []time.Duration{a99, a50, b99, b50} {
			lines[i].X, lines[i].Y = append(lines[i].X, float64(c.n)), append(lines[i].Y, float64(d.Milliseconds()))
		}
	}
	return plot.Chart{
		Title: "From asking the issuer, which takes 200 ms, to having the key", X: "replicas", Y: "time, ms", LogX: true, XTicks: lines[0].X, Lines: lines,
	}
}

func (r *run) frozenStore() plot.Chart {
	w := r.rows[len(r.rows)-1]
	line := plot.Line{Name: count(w.n) + " replicas", Bare: true}
	for second, n := range w.perSecond {
		line.X, line.Y = append(line.X, float64(second)/60), append(line.Y, n)
	}
	return plot.Chart{
		Title: "Fetches while Redis is frozen, from minute 0 to 10", X: "time, min", Y: "fetches per second", XTicks: []float64{0, 5, 10, 15, 20}, Lines: []plot.Line{line},
	}
}
