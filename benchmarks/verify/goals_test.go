package verify_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// goal is what keychorus wants of itself beside what was found.
type goal struct {
	what, want, found string
	reached           bool
	// run is what to look into if the goal is not reached, memory whether at allocations.
	run    func(t *testing.T) func(i int) error
	memory bool
}

// verifying is a verification of good tokens, for a profile.
func verifying(alg devissuer.Algorithm, name string) func(t *testing.T) func(i int) error {
	return func(t *testing.T) func(i int) error {
		t.Helper()
		for _, c := range prepare(t, effort{tokens: few}, alg, usual).all {
			if c.name == name {
				return c.run
			}
		}
		t.Fatal("nobody is called " + name)
		return nil
	}
}

func atMost(what string, found spread, most float64, run func(t *testing.T) func(i int) error) goal {
	return goal{what: what, want: "≤ " + digits(most), found: found.String(), reached: found.middle <= most, run: run}
}

func (o *outcome) goals() []goal {
	var all []goal
	for _, g := range goalRatios {
		c := o.cell(g.alg, usual)
		all = append(all, atMost(string(g.alg)+" to bare crypto", c.times.to(ours, bare), g.most, verifying(g.alg, ours)))
	}
	worst, alg := math.Inf(-1), devissuer.RS256
	for _, a := range algorithms() {
		c := o.cell(a, usual).costs
		if x := c[ours].allocs - c[bare].allocs; x > worst {
			worst, alg = x, a
		}
	}
	all = append(all, goal{
		what: "allocations beyond the standard library's, any algorithm (" + string(alg) + ")", want: "≤ 12", found: fmt.Sprintf("%.0f", worst),
		reached: worst <= 12, run: verifying(alg, ours), memory: true,
	})
	c := o.cell(devissuer.RS256, usual)
	peer := c.fastestPeer()
	all = append(all, atMost("cache hit to the fastest peer, RS256 ("+peer+")", c.times.to(cached, peer), 1./50, verifying(devissuer.RS256, cached)))
	hits := 0.
	for _, a := range algorithms() {
		hits = max(hits, o.cell(a, usual).costs[cached].allocs)
	}
	all = append(all, goal{what: "allocations of a cache hit", want: "0", found: fmt.Sprintf("%.0f", hits), reached: hits == 0, run: verifying(devissuer.RS256, cached), memory: true})
	return append(all, o.goalsBeside()...)
}

// goalsBeside are about refusals and middleware.
func (o *outcome) goalsBeside() []goal {
	own := o.rejects[0]
	slowest := o.hostileByCost()[0]
	served := func(t *testing.T) func(i int) error {
		t.Helper()
		s := newScene(t, devissuer.RS256)
		return throughHTTPAuth(t, newVerifier(t, s), s.tokens(t, usual, 16))
	}
	hostile := func(name string) func(t *testing.T) func(i int) error {
		return func(t *testing.T) func(i int) error {
			t.Helper()
			return refusing(t, name)
		}
	}
	added := o.added(ours)
	return []goal{
		atMost("garbage to a verification", own.garbage, 0.1, hostile("words")),
		atMost("8 KiB header to a refusal of its size ("+strings.TrimPrefix(own.worst, "header: ")+")", own.header, 2, hostile(own.worst)),
		atMost("any input to a refusal of its size ("+slowest+")", o.hostile.to(slowest, normalPrefix+slowest), 2, hostile(slowest)),
		{
			what: "guard and httpauth on top of RS256", want: "≤ 5 %", found: fmt.Sprintf("%.1f %% (%.1f–%.1f)", 100*added.middle, 100*added.low, 100*added.high),
			reached: added.middle <= 0.05, run: served,
		},
		{
			what: "allocations of guard and httpauth", want: "≤ 8", found: fmt.Sprintf("%.0f", o.addedAllocs(ours)),
			reached: o.addedAllocs(ours) <= 8, run: served, memory: true,
		},
	}
}

func (o *outcome) writeGoals(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("### Goals\n\nWhat keychorus wants of itself, at " + usual + ", beside what was found.\n\n")
	head(b, "", "goal", "found", "")
	all := o.goals()
	for _, g := range all {
		row(b, g.what, g.want, g.found, map[bool]string{true: "reached", false: "**not reached**"}[g.reached])
	}
	for _, g := range all {
		if !g.reached && *write != "" {
			fmt.Fprintf(b, "\nNot reached: %s. Where it goes:\n\n```\n%s\n```\n", g.what, g.profile(t))
		}
	}
}

// profile tells in which functions the time or the memory goes.
func (g goal) profile(t *testing.T) string {
	t.Helper()
	run := g.run(t)
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	args := []string{"tool", "pprof", "-top", "-nodecount=12"}
	if g.memory {
		defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
		runtime.MemProfileRate = 1
		keep(t, before, writeAllocations)
		repeat(t, run, 50*time.Millisecond)
		keep(t, after, writeAllocations)
		args = append(args, "-sample_index=alloc_objects", "-base", before, after)
	} else {
		length := 50 * time.Millisecond
		if *write != "" {
			length = 3 * time.Second
		}
		keep(t, after, func(b *bytes.Buffer) error {
			if err := pprof.StartCPUProfile(b); err != nil {
				return err
			}
			repeat(t, run, length)
			pprof.StopCPUProfile()
			return nil
		})
		args = append(args, after)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	if i := strings.Index(text, "      flat"); i >= 0 {
		text = text[i:]
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines { // names of generic functions never end
		lines[i] = line[:min(len(line), 130)]
	}
	return strings.Join(lines, "\n")
}

func TestProfilesSayWhere(t *testing.T) {
	for _, memory := range []bool{false, true} {
		g := goal{run: verifying(devissuer.ES256, ours), memory: memory}
		if text := g.profile(t); !strings.Contains(text, "flat%") || memory && !strings.Contains(text, "keychorus/keychorus/") {
			t.Errorf("memory %v:\n%s", memory, text)
		}
	}
}

func writeAllocations(b *bytes.Buffer) error {
	runtime.GC() // the profile is that of the last collection but one
	runtime.GC()
	return pprof.Lookup("allocs").WriteTo(b, 0)
}

func keep(t *testing.T, path string, collect func(*bytes.Buffer) error) {
	t.Helper()
	var b bytes.Buffer
	if err := collect(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func repeat(t *testing.T, run func(i int) error, length time.Duration) {
	t.Helper()
	for i, began := 0, time.Now(); time.Since(began) < length; i++ {
		if err := run(i); err != nil {
			t.Fatal(err)
		}
	}
}
