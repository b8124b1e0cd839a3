// Package collector stands where a collector of OpenTelemetry would: it receives spans and
// metrics by OTLP over gRPC on loopback, and keeps them for examples and tests to look at. It
// also finds what must not be told, tokens and what they say, in whatever was received.
package collector
