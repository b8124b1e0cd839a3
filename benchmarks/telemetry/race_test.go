//go:build race

package telemetry_test

// slack is for the race detector, under which sync.Pool forgets at random.
const slack = 10
