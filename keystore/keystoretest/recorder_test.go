package keystoretest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// recorder is a testing.TB whose failures are counted instead of failing the test.
type recorder struct {
	testing.TB
	ctx context.Context

	mu     sync.Mutex
	failed bool
	clean  []func()
}

// bites runs a case and tells whether it failed.
func bites(t *testing.T, run func(testing.TB)) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() { // its own, so that FailNow can end it
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Fail()
			}
		}()
		run(r)
	}()
	<-done
	cancel()
	for _, f := range r.clean {
		f()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Cleanup(f func())         { r.clean = append(r.clean, f) }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Helper()                  {}
func (r *recorder) Error(...any)             { r.Fail() }
func (r *recorder) Errorf(format string, args ...any) {
	_ = fmt.Sprintf(format, args...)
	r.Fail()
}
func (r *recorder) Fatal(...any)          { r.FailNow() }
func (r *recorder) Fatalf(string, ...any) { r.FailNow() }
