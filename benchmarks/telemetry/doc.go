// Package telemetry shows the spans and metrics of a verifier on the OpenTelemetry SDK, which
// the library itself does not import, and what they cost:
//
//	go test -run '^$' -bench . -benchtime 3s -count 5 ./telemetry
//
// measures the set-ups in turns within one run, so that what else the machine does weighs on
// all alike, and reports the median of each beside its ratio to a verifier without providers.
package telemetry
