//go:build !race

package telemetry_test

const slack = 0
