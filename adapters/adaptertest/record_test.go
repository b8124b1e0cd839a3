package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// record is a testing.TB that keeps failures for itself, so that a case may fail without
// failing the test that runs it.
type record struct {
	testing.TB // of the test that runs the case; answers what is not overridden
	ctx        context.Context

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

// failNow ends the goroutine of a case.
type failNow struct{}

// recordCase runs a case against an adapter and returns its failures.
func recordCase(t *testing.T, c testCase, serve serveFunc) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &record{TB: t, ctx: ctx}
	r.guarded(func() { c.run(newFixture(r, serve)) })
	cancel() // as testing does before its cleanups
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		r.guarded(f)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures
}

// guarded runs f in a goroutine of its own and waits for it.
func (r *record) guarded(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil && p != (failNow{}) {
				r.Errorf("panic: %v", p)
			}
		}()
		f()
	}()
	<-done
}

func (r *record) Helper()                  {}
func (r *record) Context() context.Context { return r.ctx }
func (r *record) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *record) Log(...any)               {}
func (r *record) Logf(string, ...any)      {}
func (r *record) Error(args ...any)        { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *record) Fail()                    { r.Errorf("failed") }
func (r *record) Fatal(args ...any)        { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *record) FailNow()                 { r.Fatalf("failed") }

func (r *record) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *record) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(failNow{})
}

func (r *record) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

// contains tells whether one of the failures holds the text.
func contains(failures []string, text string) bool {
	return slices.ContainsFunc(failures, func(f string) bool { return strings.Contains(f, text) })
}
