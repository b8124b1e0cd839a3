// Package telemetry sets up the OpenTelemetry SDK for the example programs, the way a program
// in production does: spans leave in batches and metrics in intervals, both in the background,
// and the global providers are set before anything is verified. The verifier needs nothing
// more.
package telemetry
