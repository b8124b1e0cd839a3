// Package jwks reads JSON Web Key Sets (RFC 7517) and fetches them from issuers, found by
// OpenID Connect Discovery or RFC 8414.
//
// A document is read tolerantly, entry by entry: one that is unknown or unsound is skipped
// with a reason and never costs the others. What remains passed the key policy of
// [jws.NewKey].
package jwks
