package verifier_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// A token that was requested without an audience, as a developer's own tool would explain it.
func ExampleVerifier_Explain() {
	issuer, err := devissuer.New("https://issuer.test", devissuer.WithAlgorithm(devissuer.ES256))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), HTTPClient: &http.Client{Transport: issuer.RoundTripper()}}},
		Audiences: []string{"https://api.test"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()

	token, err := issuer.Mint(nil)
	if err != nil {
		log.Fatal(err)
	}
	r := v.Explain(context.Background(), token)
	fmt.Println(r.Reason, "because", r.Cause)
	for _, fix := range r.Fixes {
		fmt.Println("-", fix)
	}
	// Output:
	// no_audience because aud is empty: the token was made for no API
	// - register this API at the issuer
	// - authorise the application for it
	// - request its audience in the front end
	// - sign in again: a refresh may return the old token
}
