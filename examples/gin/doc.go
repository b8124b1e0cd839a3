// Command gin is an API on Gin that wants an access token. It brings an issuer for
// development, calls itself as good and bad callers do, prints what each was answered, and
// ends: with status 1 if one was answered otherwise than it deserves.
package main
