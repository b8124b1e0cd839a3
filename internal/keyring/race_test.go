//go:build race

package keyring_test

// large is the size of a large fleet; the race detector makes each replica ten times as dear.
const large = 150
