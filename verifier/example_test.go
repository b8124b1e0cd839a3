package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func Example() {
	issuer, err := devissuer.New("https://login.example.com") // stands in for a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL()}},
		Audiences: []string{"https://api.example.com"},
	}, verifier.WithHTTPClient(&http.Client{Transport: issuer.RoundTripper()}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = v.Close() }()

	ctx := context.Background()
	for _, audience := range []string{"https://api.example.com", "https://other.example.com"} {
		compact, err := issuer.Mint(devissuer.Claims{"sub": "ada", "aud": []string{audience}})
		if err != nil {
			fmt.Println(err)
			return
		}
		token, err := v.Verify(ctx, compact)
		if e, ok := errors.AsType[*verifier.Error](err); ok {
			fmt.Println("refused:", e.Reason, "-", e.Reason.Fix())
			continue
		}
		fmt.Println("accepted:", token.Subject())
	}
	// Output:
	// accepted: ada
	// refused: audience - request this API's audience in the front end, or correct Policy.Audiences
}

func ExampleToken_Require() {
	token := exampleToken()
	err := token.Require(context.Background(), verifier.Scopes("openid"), verifier.Scopes("write:books"))
	fmt.Println(err, errors.Is(err, verifier.ErrForbidden))
	// Output: verifier: scope: the access token lacks a required scope true
}

func exampleToken() *verifier.Token {
	issuer, err := devissuer.New("https://login.example.com", devissuer.WithAlgorithm(devissuer.ES256))
	if err != nil {
		panic(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}},
		Audiences: []string{"api"},
	})
	if err != nil {
		panic(err)
	}
	compact, err := issuer.Mint(devissuer.Claims{"aud": "api"})
	if err != nil {
		panic(err)
	}
	token, err := v.Verify(context.Background(), compact)
	if err != nil {
		panic(err)
	}
	return token
}
