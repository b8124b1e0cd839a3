package telemetry

import (
	"context"
	"runtime/trace"
)

// The regions of a verification. Where there is a span of the name, it is as long. Work for the
// keys has regions that are named like its spans.
const (
	VerifyRegion    = "keychorus.verify"
	DocumentRegion  = "keychorus.verify_document"
	LookupRegion    = "keychorus.keys.lookup"
	SignatureRegion = "keychorus.signature"
)

// Region is a part of an execution trace (package runtime/trace). The zero Region is none.
type Region struct{ region *trace.Region }

// Region marks what happens from now on until End, on the same goroutine, if t was told to.
func (t *Telemetry) Region(ctx context.Context, name string) Region {
	if t == nil || !t.profiled {
		return Region{}
	}
	return Region{trace.StartRegion(ctx, name)}
}

// End ends the region.
func (r Region) End() {
	if r.region != nil {
		r.region.End()
	}
}
