//go:build !race

package keyring_test

// large is the size of a large fleet.
const large = 1000
