package verify_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// core is how a contender gets on with two processors.
type core struct {
	name  string
	one   float64 // ns a call on one processor
	speed spread  // how many times as many calls two processors make
}

// takeCores verifies on one and on two processors at once.
func (o *outcome) takeCores(t *testing.T, e effort) {
	p := prepare(t, e, devissuer.RS256, usual)
	times := map[int]taken{1: {}, 2: {}}
	for _, c := range p.all {
		c.calls = c.callsIn(t, e.turn)
	}
	for range e.rounds {
		for procs := range times {
			for _, i := range rand.Perm(len(p.all)) {
				c := p.all[i]
				times[procs][c.name] = append(times[procs][c.name], c.together(t, procs))
			}
		}
	}
	for _, c := range p.all {
		both := taken{"one": times[1][c.name], "two": times[2][c.name]}
		o.cores = append(o.cores, core{c.name, both.ns("one"), both.to("one", "two")})
	}
}

// together returns the ns of a call while so many processors make them.
func (c *timed) together(tb testing.TB, procs int) float64 {
	tb.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	var wg sync.WaitGroup
	began := time.Now()
	for range procs {
		wg.Go(func() {
			for i := range c.calls {
				if err := c.run(i); err != nil {
					tb.Errorf("%s: %v", c.name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(time.Since(began)) / float64(procs*c.calls)
}
