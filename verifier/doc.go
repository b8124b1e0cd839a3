// Package verifier verifies the access tokens that a front end sends to an API: JWTs
// (RFC 7519), signed by an issuer that the API trusts, as RFC 9068 and RFC 8725 demand.
//
// A [Policy] says what is accepted: issuers, audiences, and rarely more. [New] makes a
// [Verifier] of it, one for a program. [Verifier.Verify] turns the compact form of a token
// into a [Token], or says in an [*Error] why not:
//
//	v, err := verifier.New(verifier.Policy{
//		Issuers:   []verifier.Issuer{{URL: "https://login.example.com"}},
//		Audiences: []string{"https://api.example.com"},
//	})
//	token, err := v.Verify(ctx, compact)
//
// The issuer's keys are found by discovery, fetched with the first token, refreshed in the
// background, and kept while the issuer is down; docs/keys.md tells how. A token is refused
// for a [Reason] of a closed set; docs/errors.md lists them with cause and fix. An error that
// wraps [ErrUnavailable] says nothing about the token: ask again later.
//
// HTTP is the business of package adapters/guard and its adapters, which answer with the
// right status, challenge and body.
package verifier
