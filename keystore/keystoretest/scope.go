package keystoretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// scope is a testing.TB whose context and clean-up end before those of its test.
type scope struct {
	testing.TB

	ctx context.Context

	mu    sync.Mutex
	clean []func()
}

func (s *scope) Context() context.Context { return s.ctx }

func (s *scope) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clean = append(s.clean, f)
}

// runScoped runs a part of a test in a scope of its own, and cleans up even if it fails.
func runScoped(tb testing.TB, run func(testing.TB)) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	s := &scope{TB: tb, ctx: ctx}
	defer func() {
		cancel()
		for _, f := range slices.Backward(s.clean) {
			f()
		}
	}()
	run(s)
}

// testGoroutines marks what a store starts, so that it sees no goroutines but the store's.
func testGoroutines(tb testing.TB, s *suite) {
	mark := rand.Text()
	use := func(tb testing.TB) {
		store := s.newStore(tb)
		v := mustSave(tb, store, plainID, full(plainID), "")
		mustSave(tb, store, plainID, &keystore.Record{ID: plainID}, v)
		mustLoad(tb, store, plainID)
	}
	pprof.Do(tb.Context(), pprof.Labels("keystoretest", mark), func(context.Context) { runScoped(tb, use) })
	wantNoneLeft(tb, mark)
}

// wantNoneLeft wants the goroutines that carry mark to have ended.
func wantNoneLeft(tb testing.TB, mark string) {
	tb.Helper()
	var left string
	for range 200 { // goroutines that were told to end get 2 s for it
		if left = marked(tb, mark); left == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	tb.Errorf("a store that was closed left behind:\n%s", left)
}

// marked returns the stacks of the goroutines that carry mark; they inherit it.
func marked(tb testing.TB, mark string) string {
	tb.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		tb.Fatalf("listing goroutines: %v", err)
	}
	var left []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
