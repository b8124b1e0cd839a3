// Command bookstore is an API that a page on another origin calls with an access token.
//
//	GET  /books    for anyone who is signed in
//	POST /books    for those whose token grants write:books, as a scope or as a Kinde permission
//	GET  /healthz  for anyone: the state of the issuer's keys
//
// With no environment it brings its own issuer, for development only, and a page to click
// in. KINDE_DOMAIN and KINDE_AUDIENCE make it verify a Kinde tenant's tokens instead,
// BOOKSTORE_ISSUER and BOOKSTORE_AUDIENCE those of any issuer that offers discovery.
// BOOKSTORE_ORIGINS lists the origins, separated by white space, whose pages may call the
// API besides its own page.
//
// With OTEL_EXPORTER_OTLP_ENDPOINT it exports spans and metrics to that collector, by OTLP over
// gRPC; the other OTEL_ variables mean what the OpenTelemetry specification says.
//
// With -web it serves the React page of the folder web, once that is built, in which people
// sign in at the tenant; KINDE_CLIENT_ID is then the page's.
//
// The flags -api, -page and -issuer set the addresses; port 0 takes a free one. With -demo
// it walks through good and bad requests by itself, says what became of each, and ends.
package main
