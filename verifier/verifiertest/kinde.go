package verifiertest

import "github.com/keychorus/keychorus/verifier/devissuer"

// Shape names one of the payloads that Kinde signs.
type Shape = devissuer.Shape

// The shapes of Kinde's, see the devissuer constants that they stand for.
const (
	KindeUser                = devissuer.ShapeUser
	KindeNoAudience          = devissuer.ShapeNoAudience // to be refused
	KindeOrganization        = devissuer.ShapeOrganization
	KindeHasura              = devissuer.ShapeHasura
	KindeEmptied             = devissuer.ShapeEmptied
	KindeCustomized          = devissuer.ShapeCustomized
	KindeMachine             = devissuer.ShapeMachine
	KindeOrganizationMachine = devissuer.ShapeOrganizationMachine
	KindeOlderMachine        = devissuer.ShapeOlderMachine
	KindeManagement          = devissuer.ShapeManagement // to be refused
	KindeIDToken             = devissuer.ShapeIDToken    // to be refused
	KindeWebhook             = devissuer.ShapeWebhook    // to be refused as a token
)

// Kinde returns the claims of one of Kinde's shapes, for [Audience] where an API is to accept it.
// They are for [Issuer.Token] and [Issuer.Verified], beside claims of your own:
//
//	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"))
//	machine := issuer.Token(issuer.Kinde(verifiertest.KindeMachine))
//	reader := issuer.Token(issuer.Kinde(verifiertest.KindeOrganization), verifiertest.Claims{"permissions": []string{"read:books"}})
func (i *Issuer) Kinde(s Shape) Claims {
	i.tb.Helper()
	claims, err := i.dev.Shaped(s)
	i.must(err)
	return claims
}
