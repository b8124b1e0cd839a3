// Package verify times the verification of one token by this library and others, side by side:
// what an API pays for every request once keys are known. Contenders take turns in one process,
// and each time is a ratio to the bare signature check of the same round, so that a busy machine
// slows both alike. Reject paths, middleware, cores and many issuers are measured beside it.
//
// `make bench-verify` runs all at full size, in some minutes, writes the section of ../RESULTS.md
// and draws ../plots. By hand, in the module's directory, without the race detector:
//
//	go test -count=1 -timeout 30m -run TestVerify ./verify -rounds 100 -write $PWD/RESULTS.md
//
// Without flags the same code runs in a few rounds, as a test that it works. docs/performance.md
// tells how to read the results.
package verify
