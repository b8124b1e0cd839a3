// Package verifiertest helps to test what verifies tokens: an issuer that a test controls,
// good tokens, and a set of bad ones.
//
//	issuer := verifiertest.NewIssuer(t)
//	v := issuer.Verifier()                        // trusts it
//	good := issuer.Token(verifiertest.Claims{"scp": []string{"read:books"}})
//	for _, a := range verifiertest.Attacks(issuer) {
//		// a.Token has to be refused; a.Why says what it tries, a.Reason what a verifier calls it
//	}
//
// The issuer is in memory: no socket, no goroutine, and it works inside a testing/synctest
// bubble. Handlers without a guard are tested with a really verified token:
//
//	ctx := verifier.ContextWithToken(t.Context(), issuer.Verified())
//
// [Issuer.Kinde] has the claims of every token that Kinde mints, [Issuer.Rotate] and its like
// change keys, and [Issuer.Outage] makes the issuer fail and recover. docs/testing.md has a test
// for each, to copy.
package verifiertest
