package verify_test

import (
	"flag"
	"sync/atomic"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// BenchmarkVerify is for benchstat and profiles. Its lines follow one another in time; ratios
// come from TestVerify, where contenders take turns.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms() {
		for _, sh := range shapes() {
			b.Run(string(alg)+"/"+sh.name, func(b *testing.B) {
				each(b, prepare(b, effort{tokens: few}, alg, sh.name).all)
			})
		}
	}
}

// BenchmarkParallel is one verifier used by as many goroutines as there are processors, see -cpu.
func BenchmarkParallel(b *testing.B) {
	for _, c := range prepare(b, effort{tokens: few}, devissuer.RS256, usual).all {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var failed atomic.Pointer[error]
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if err := c.run(i); err != nil {
						failed.Store(&err)
						return
					}
				}
			})
			if err := failed.Load(); err != nil {
				b.Fatal(*err)
			}
		})
	}
}

// BenchmarkHostile is this library at inputs that were made to be expensive.
func BenchmarkHostile(b *testing.B) {
	s := newScene(b, devissuer.RS256)
	check := warm(b, s)
	var all []*timed
	for _, h := range everyHostile(s) {
		all = append(all, &timed{name: h.name, run: refused(over(b.Context(), check, []string{h.token}))})
	}
	each(b, all)
}

// BenchmarkRequest is a request through httpauth and guard.
func BenchmarkRequest(b *testing.B) {
	s := newScene(b, devissuer.RS256)
	each(b, []*timed{{name: "httpauth", run: throughHTTPAuth(b, newVerifier(b, s), s.tokens(b, usual, 4))}})
}

func each(b *testing.B, all []*timed) {
	b.Helper()
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := c.run(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Benchmarks that nobody runs rot.
func TestBenchmarksRun(t *testing.T) {
	length := flag.Lookup("test.benchtime")
	was := length.Value.String()
	if err := length.Value.Set("1x"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = length.Value.Set(was) }()
	for name, f := range map[string]func(*testing.B){
		"verify": BenchmarkVerify, "parallel": BenchmarkParallel, "hostile": BenchmarkHostile, "request": BenchmarkRequest,
	} {
		passed := false
		testing.Benchmark(func(b *testing.B) {
			f(b)
			passed = !b.Failed()
		})
		if !passed {
			t.Errorf("%s fails", name)
		}
	}
}
