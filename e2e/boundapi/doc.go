// Command boundapi is an API over TLS that takes access tokens which are bound to a key or a
// certificate of the caller. The end-to-end tests run it as a process of its own: its flags
// choose what its guard accepts, and it says on standard output where it listens. It ends with
// its standard input, so that it cannot outlive who started it.
//
// GET /books is for whoever has a token, POST /books for tokens with the scope write:books.
// Secrets come by the environment: BOUNDAPI_FLEET_SECRET, which processes on one Redis share,
// BOUNDAPI_NONCE_SECRET, which demands nonces in proofs, and BOUNDAPI_INTROSPECTION_SECRET.
// With OTEL_EXPORTER_OTLP_ENDPOINT it exports spans and metrics there.
package main
