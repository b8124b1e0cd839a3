// Command otel shows what a guarded API tells OpenTelemetry. It brings an issuer for
// development, a shared store, an API, and a receiver of OTLP over gRPC on loopback, to which
// the OpenTelemetry SDK exports as it would to a collector. It calls the API as good and bad
// callers do, takes the store and the issuer away for a moment, and prints every span and
// metric that the receiver got. Then it ends: with status 1 if something is missing, or if
// something of a token was told.
//
// With -metrics ADDRESS it serves the metrics there for Prometheus instead, and goes on until
// it is interrupted, so that the dashboard and the alerts of docs/observability can be seen
// at work. Port 0 takes a free one.
package main
