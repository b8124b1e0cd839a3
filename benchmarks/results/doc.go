// Package results keeps the sections of RESULTS.md, each of which has a benchmark that writes it
// and leaves the others as they are.
package results
