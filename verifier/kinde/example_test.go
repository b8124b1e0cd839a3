package kinde_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
)

func Example() {
	policy, err := kinde.Policy(kinde.Config{
		Domain:    "bookshop.kinde.com",
		Audiences: []string{"https://api.bookshop.example"}, // registered under Settings, APIs
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant, err := devissuer.New("https://bookshop.kinde.com") // stands in for Kinde
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.New(policy, verifier.WithHTTPClient(&http.Client{Transport: tenant.RoundTripper()}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = v.Close() }()

	for _, audience := range [][]string{{"https://api.bookshop.example"}, {}} {
		compact, err := tenant.Mint(devissuer.Claims{"aud": audience})
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = v.Verify(context.Background(), compact)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// verifier: no_audience: the access token names no audience
}

func ExamplePolicy() {
	policy, err := kinde.Policy(kinde.Config{
		Domain:       "auth.bookshop.example",        // where people sign in
		ExtraDomains: []string{"bookshop.kinde.com"}, // where machines get theirs
		Audiences:    []string{"https://api.bookshop.example"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, issuer := range policy.Issuers {
		fmt.Println(issuer.URL, issuer.JWKSURL)
	}
	_, err = kinde.Policy(kinde.Config{Domain: "bookshop"})
	fmt.Println(errors.Is(err, verifier.ErrMisconfigured))
	// Output:
	// https://auth.bookshop.example https://auth.bookshop.example/.well-known/jwks
	// https://bookshop.kinde.com https://bookshop.kinde.com/.well-known/jwks
	// true
}

func ExampleFromEnv() {
	for name, value := range map[string]string{"KINDE_DOMAIN": "bookshop", "KINDE_AUDIENCE": "https://api.bookshop.example"} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = os.Unsetenv(name) }()
	}
	policy, err := kinde.FromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.Issuers[0].URL, policy.Audiences)
	// Output: https://bookshop.kinde.com [https://api.bookshop.example]
}
