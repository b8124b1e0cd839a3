package fiberv2auth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"

	"github.com/gofiber/fiber/v2"

	"github.com/keychorus/keychorus/adapters/fiberv2auth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func ExampleProtect() {
	// In a program of yours the policy names your issuer and its keys are fetched.
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience("https://api.test"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}},
		Audiences: []string{"https://api.test"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	g, err := guard.New(v)
	if err != nil {
		log.Fatal(err)
	}

	books := func(c *fiber.Ctx) error {
		token, _ := fiberv2auth.Token(c)
		return c.SendString("hello " + token.Subject())
	}
	app := fiber.New()
	app.Get("/books", fiberv2auth.Protect(g), books)
	app.Post("/books", fiberv2auth.Protect(g, verifier.Scopes("write:books")), books)

	token, err := issuer.Mint(devissuer.Claims{"sub": "grace", "scp": []string{"read:books"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, call := range []struct{ method, authorization string }{
		{"GET", "Bearer " + token}, {"POST", "Bearer " + token}, {"GET", "Bearer undefined"}, {"GET", ""},
	} {
		r := httptest.NewRequestWithContext(context.Background(), call.method, "/books", nil)
		if call.authorization != "" {
			r.Header.Set("Authorization", call.authorization)
		}
		resp, err := app.Test(r)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.StatusCode, string(body))
	}
	// Output:
	// 200 hello grace
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"reason":"scope","error":"insufficient_scope","error_description":"the access token lacks a required scope"}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"reason":"placeholder","error":"invalid_token","error_description":"the access token is a placeholder, not a token"}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401}
}
