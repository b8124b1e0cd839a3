// Package keyring keeps the verification keys of issuers: one [Source] per issuer, with
// a snapshot that verification reads without a lock, and one background attempt at a time
// that replaces it.
//
// A source is empty, fresh, due, stale or expired, by the age of its snapshot alone. What
// may ask the issuer again is one gate, shut for a cool-down after each attempt; how long
// depends on the outcome. Due keys, an unknown kid and a cold start all pass through it,
// so that no mixture of them asks more often than any one alone. docs/keys.md has the
// whole life cycle.
package keyring
