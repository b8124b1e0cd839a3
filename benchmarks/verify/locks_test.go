package verify_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const (
	library    = "github.com/keychorus/keychorus/"
	benchmarks = library + "benchmarks/"
)

// waits runs f on several goroutines at once and returns the stacks, innermost first, on which
// one waited for another: for a mutex, a channel, a condition. The allocator's own locks do not
// count.
func waits(tb testing.TB, goroutines int, f func()) [][]string {
	tb.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.NumCPU())))
	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
	runtime.SetBlockProfileRate(1)
	defer runtime.SetBlockProfileRate(0)
	before := seen()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(f)
	}
	wg.Wait()
	var stacks [][]string
	for stack, n := range seen() {
		if n > before[stack] {
			stacks = append(stacks, names(stack))
		}
	}
	return slices.DeleteFunc(stacks, func(s []string) bool { return len(s) > 0 && strings.HasPrefix(s[0], "runtime.unlock") })
}

// seen are both profiles so far, which only grow.
func seen() map[[128]uintptr]int64 {
	counts := map[[128]uintptr]int64{}
	for _, profile := range []func([]runtime.BlockProfileRecord) (int, bool){runtime.MutexProfile, runtime.BlockProfile} {
		records := make([]runtime.BlockProfileRecord, 64)
		for {
			n, ok := profile(records)
			if ok {
				records = records[:n]
				break
			}
			records = make([]runtime.BlockProfileRecord, 2*n)
		}
		for i := range records {
			var stack [128]uintptr
			copy(stack[:], records[i].Stack())
			counts[stack] += records[i].Count
		}
	}
	return counts
}

func names(stack [128]uintptr) []string {
	pcs := slices.DeleteFunc(stack[:], func(pc uintptr) bool { return pc == 0 })
	frames := runtime.CallersFrames(pcs)
	var all []string
	for {
		frame, more := frames.Next()
		all = append(all, frame.Function)
		if !more {
			return all
		}
	}
}

// within keeps the stacks that lead through a package below prefix, and not below except.
func within(stacks [][]string, prefix, except string) [][]string {
	return slices.DeleteFunc(stacks, func(s []string) bool {
		return !slices.ContainsFunc(s, func(name string) bool {
			return strings.HasPrefix(name, prefix) && (except == "" || !strings.HasPrefix(name, except))
		})
	})
}

func TestNobodyWaitsOnTheHotPath(t *testing.T) {
	for _, alg := range []devissuer.Algorithm{devissuer.RS256, devissuer.PS256, devissuer.ES256, devissuer.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			s := newScene(t, alg)
			tokens := s.tokens(t, usual, 4)
			check := over(t.Context(), startKeychorus(t, s), tokens)
			v := newVerifier(t, s)
			all := func(calls int) func() {
				served := throughHTTPAuth(t, v, tokens)
				return func() {
					for i := range calls {
						if err := errors.Join(check(i), served(i)); err != nil {
							t.Error(err)
						}
					}
				}
			}
			all(8)() // what is fetched once and pooled
			const goroutines = 8
			ready := make(chan func(), goroutines)
			for range goroutines {
				ready <- all(100)
			}
			stacks := waits(t, goroutines, func() { (<-ready)() })
			for _, stack := range within(stacks, library, benchmarks) {
				t.Errorf("waited:\n\t%s", strings.Join(stack, "\n\t"))
			}
		})
	}
}

// A profile that misses what is there would make the test above worthless.
func TestWaitsAreSeen(t *testing.T) {
	var mu sync.Mutex
	for name, f := range map[string]func(){
		"mutex":   func() { mu.Lock(); time.Sleep(time.Millisecond); mu.Unlock() },
		"channel": func() { <-time.After(time.Millisecond) },
	} {
		if len(within(waits(t, 8, f), benchmarks+"verify_test.TestWaitsAreSeen", "")) == 0 {
			t.Errorf("%s: nothing is seen", name)
		}
	}
}
