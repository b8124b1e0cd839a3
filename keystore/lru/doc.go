// Package lru keeps a bounded number of records in the memory of one process, and forgets
// the one unused for longest. It is for issuers that come and go; with a fixed list of
// issuers package memory is enough.
package lru
