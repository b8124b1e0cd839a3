// Package keystore is where fetched keys are kept between fetches: the interfaces that a
// store implements and the records it holds. docs/keys.md tells how they are used.
//
// A store stores. It never fetches, and it judges no time: what is fresh or usable is
// decided by whoever loads a record. Verification does not read the store; one background
// goroutine per issuer does.
//
// Implement [KeyStore], and test the implementation with
// [github.com/keychorus/keychorus/keystore/keystoretest].
package keystore
