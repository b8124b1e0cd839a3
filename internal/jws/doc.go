// Package jws reads and verifies compact JSON Web Signatures (RFC 7515), strictly and
// without any notion of claims.
//
// It has two doors: [Parse] and [Message.Verify]. Parse refuses whatever is not the one
// canonical form of a token, and every header member that would let a token choose its own
// rules. Verify takes a [Key], which [NewKey] admits only if it is sound. There is no
// symmetric algorithm and no "none".
package jws
