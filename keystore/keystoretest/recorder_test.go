package keystoretest

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// recorder is a testing.TB whose failures are noted instead of failing the test.
type recorder struct {
	testing.TB

	failed atomic.Bool
}

// bites runs a case and tells whether it failed. A case that panics says nothing, and fails
// the test.
func bites(t *testing.T, run func(testing.TB)) bool {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // its own, so that FailNow can end it
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("the case panicked: %v", p)
			}
		}()
		runScoped(r, run)
	}()
	<-done
	return r.Failed()
}

func (r *recorder) Failed() bool { return r.failed.Load() }
func (r *recorder) Fail()        { r.failed.Store(true) }
func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}
func (r *recorder) Helper()               {}
func (r *recorder) Log(...any)            {}
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) Error(...any)          { r.Fail() }
func (r *recorder) Errorf(string, ...any) { r.Fail() }
func (r *recorder) Fatal(...any)          { r.FailNow() }
func (r *recorder) Fatalf(string, ...any) { r.FailNow() }
