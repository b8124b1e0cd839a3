// Command connect is an API of connect that wants an access token. It brings an issuer for
// development, calls itself over Connect and over gRPC as good and bad callers do, prints
// what each was answered, and ends: with status 1 if one was answered otherwise than it
// deserves. The last call of each is a stream that lasts as long as its token, a few seconds.
package main
