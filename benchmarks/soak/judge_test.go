package soak_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// point is what a process looks like after garbage collection, with nothing under way.
type point struct {
	heap, objects                           uint64
	goroutines, issuers, mostIssuers, redis int
}

// What is allowed. The heap may be more than after the first tenth by a tenth, for what the
// runtime keeps, and 4 MiB, for what is remembered of tenants that have left: a store knows the
// last announcement of up to 4,096. Goroutines may be as many more as one connection has that waits
// for its next use. Clients that few goroutines use need few connections.
const (
	heapGrowth    = 1.10
	heapSlack     = 4 << 20
	oneConnection = 3
	mostIssuers   = 16
	mostRedis     = 12
	settling      = 10 * time.Second
)

// look waits until the process has come to rest and looks at it. Connections that wait for their
// next use are counted, and then closed: they have goroutines on both ends.
func look(t *testing.T, s *subject, before []point) point {
	t.Helper()
	p := point{issuers: int(s.open.Load()), mostIssuers: int(s.mostOpen.Load()), redis: s.connections(t)}
	s.own.CloseIdleConnections()
	for end := time.Now().Add(settling); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		p.goroutines = runtime.NumGoroutine()
		if s.open.Load() <= 1 && (len(before) == 0 || p.goroutines <= before[0].goroutines) {
			break // the single issuer's connection may stay
		}
	}
	runtime.GC()
	runtime.GC() // pools forget in the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.heap, p.objects = m.HeapAlloc, m.HeapObjects
	return p
}

// judge returns what has grown. In a small run caches are not full after a tenth, so that heaps
// say nothing.
func judge(points []point, heaps bool) []string {
	var problems []string
	first := points[0]
	for i, p := range points {
		at := fmt.Sprintf("after %d %%: ", (i+1)*100/len(points))
		if limit := uint64(float64(first.heap)*heapGrowth) + heapSlack; heaps && p.heap > limit {
			problems = append(problems, fmt.Sprintf("%s%d bytes of heap, at most %d", at, p.heap, limit))
		}
		if limit := first.goroutines + oneConnection; p.goroutines > limit {
			problems = append(problems, fmt.Sprintf("%s%d goroutines, at most %d", at, p.goroutines, limit))
		}
		if p.mostIssuers > mostIssuers {
			problems = append(problems, fmt.Sprintf("%s%d connections to issuers, at most %d", at, p.mostIssuers, mostIssuers))
		}
		if p.redis > mostRedis {
			problems = append(problems, fmt.Sprintf("%s%d connections to Redis, at most %d", at, p.redis, mostRedis))
		}
	}
	return problems
}

func TestWhatGrowsIsFound(t *testing.T) {
	flat := point{heap: 50 << 20, objects: 1000, goroutines: 12, issuers: 2, mostIssuers: 4, redis: 5}
	for _, tt := range []struct {
		name   string
		change func(p *point)
		heaps  bool
		want   string // "" for nothing
	}{
		{"nothing", func(*point) {}, true, ""},
		{"a heap within bounds", func(p *point) { p.heap += 3 << 20 }, true, ""},
		{"a heap", func(p *point) { p.heap += 10 << 20 }, true, "bytes of heap"},
		{"a heap of a small run", func(p *point) { p.heap *= 2 }, false, ""},
		{"a goroutine", func(p *point) { p.goroutines += 4 }, false, "16 goroutines, at most 15"},
		{"an idle connection", func(p *point) { p.goroutines += 3 }, false, ""},
		{"connections to issuers", func(p *point) { p.mostIssuers = 17 }, false, "17 connections to issuers"},
		{"connections to Redis", func(p *point) { p.redis = 13 }, false, "13 connections to Redis"},
	} {
		points := []point{flat, flat, flat}
		tt.change(&points[2])
		got := strings.Join(judge(points, tt.heaps), "; ")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
