// Package tryout lets the examples of the adapters try themselves: it brings a development
// issuer on loopback, and calls an API as good and bad callers do.
//
// The API serves GET /books to whoever has a token, with the token's subject in the body,
// and POST /books, with status 201, to those whose token grants the scope write:books.
package tryout
