// Package dpop checks proofs of possession (RFC 9449) as a resource server does: form, key,
// method, URI, access token, time or nonce, and signature. It knows no HTTP and keeps
// nothing: whether a proof was used before, and whether the access token is bound to its
// key, is for the caller to find out.
package dpop
