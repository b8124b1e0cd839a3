// Package telemetry shows the spans and metrics of a verifier on the OpenTelemetry SDK, which
// the library itself does not import, and what they cost:
//
//	go test -count=1 -run TestCost ./telemetry -write RESULTS.md
//
// measures the set-ups in turns within one run, so that what else the machine does weighs on
// all alike, and writes their section of that file.
package telemetry
