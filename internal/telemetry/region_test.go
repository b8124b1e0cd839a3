package telemetry_test

import (
	"bytes"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/telemetry"
)

// traceOf returns what an execution trace holds of what f does.
func traceOf(t *testing.T, f func()) string {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Fatal(err)
	}
	f()
	trace.Stop()
	return b.String()
}

func TestRegionsAreMarkedOnlyIfAskedFor(t *testing.T) {
	all := []string{
		telemetry.SignatureRegion, "keychorus.keys.refresh", "keychorus.jwks.fetch", "keychorus.store.load", "keychorus.store.lease",
	}
	for _, profiled := range []bool{false, true} {
		o := options(newRecorder())
		o.Profiled = profiled
		tel := telemetry.New(o)
		got := traceOf(t, func() {
			defer tel.Region(t.Context(), telemetry.SignatureRegion).End()
			use(t.Context(), tel)
		})
		for _, name := range all {
			if strings.Contains(got, name) != profiled {
				t.Errorf("profiled: %t; the trace holds %s: %t", profiled, name, !profiled)
			}
		}
	}
}

// While nobody takes a trace, a region costs no memory, asked for or not.
func TestRegionsAllocateNothing(t *testing.T) {
	for _, profiled := range []bool{false, true} {
		tel := telemetry.New(telemetry.Options{Profiled: profiled})
		if n := testing.AllocsPerRun(200, func() { tel.Region(t.Context(), telemetry.VerifyRegion).End() }); n > 0 {
			t.Errorf("profiled: %t; %v allocations", profiled, n)
		}
	}
}
