package soak_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

var verifications = flag.Int("verifications", 10_000, "how many tokens are verified in all")

// size is what belongs to a number of verifications.
type size struct {
	verifications, ring, tenants, leave, rotate int
}

func sizeOf(n int) size {
	if n < 1_000_000 {
		return size{verifications: n, ring: 400, tenants: 20, leave: 20, rotate: 20}
	}
	return size{verifications: n, ring: 20_000, tenants: 300, leave: 1_500, rotate: 2_000}
}

const parts = 10 // after each of which the process is looked at

func TestSoakStaysFlat(t *testing.T) {
	logging.Disable()
	z := sizeOf(*verifications)
	s := newSubject(t, z.tenants, z.ring)
	tokens, err := rsaTokens(s.rsa, 64)
	if err != nil {
		t.Fatal(err)
	}
	workers, err := newWorkers(s, runtime.GOMAXPROCS(0), z.ring, tokens)
	if err != nil {
		t.Fatal(err)
	}
	each := z.verifications / len(workers)
	workers[0].leaveEvery, workers[0].rotateEvery = each/z.leave, each/z.rotate
	began := time.Now()
	var points []point
	for range parts {
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Go(func() { w.run(t.Context(), each/parts) })
		}
		wg.Wait()
		for _, w := range workers {
			if w.err != nil {
				t.Fatal(w.err)
			}
		}
		points = append(points, look(t, s, points))
		t.Logf("%3d %% after %.0f s", 100*len(points)/parts, time.Since(began).Seconds())
	}
	t.Log(story(points, workers, s, time.Since(began)))
	if late, verified := totals(workers); late > verified/1000 {
		t.Errorf("%d tokens under new keys were put off, at most one in a thousand", late)
	}
	for _, problem := range judge(points, z.verifications >= 1_000_000) {
		t.Error(problem)
	}
}

func totals(workers []*worker) (late, verified int) {
	for _, w := range workers {
		late += w.late
		verified += w.verified
	}
	return late, verified
}

// story is what was done and seen.
func story(points []point, workers []*worker, s *subject, took time.Duration) string {
	var all worker
	for _, w := range workers {
		all.verified += w.verified
		all.minted += w.minted
		all.late += w.late
		all.refused += w.refused
		all.left += w.left
		all.rotated += w.rotated
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d verified, %d refused, %d put off, of %d tokens, in %.0f s\n", all.verified, all.refused, all.late, all.minted+64, took.Seconds())
	fmt.Fprintf(&b, "%d tenants came and went, %d at a time; %d keys changed; %d fetches\n\n", all.left, len(s.generations), all.rotated, s.fetches.Load())
	b.WriteString("| verified | heap in use | objects | goroutines | connections to issuers, now / most | to Redis |\n|---|---|---|---|---|---|\n")
	for i, p := range points {
		fmt.Fprintf(&b, "| %d %% | %.1f MB | %d | %d | %d / %d | %d |\n", (i+1)*100/parts, float64(p.heap)/1e6, p.objects, p.goroutines, p.issuers, p.mostIssuers, p.redis)
	}
	return b.String()
}
