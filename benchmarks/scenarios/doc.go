// Package scenarios puts this library and others through the same events of an issuer's life:
// rotation, flood, outage, withdrawal. It counts and does not time; hours pass in virtual time.
// `make bench-scenarios` writes its section of ../RESULTS.md.
package scenarios
