package echov4auth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/keychorus/keychorus/adapters/echov4auth"
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

	books := func(c echo.Context) error {
		token, _ := echov4auth.Token(c)
		return c.String(http.StatusOK, "hello "+token.Subject())
	}
	e := echo.New()
	e.GET("/books", books, echov4auth.Protect(g))
	e.POST("/books", books, echov4auth.Protect(g, verifier.Scopes("write:books")))

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
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello grace
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"reason":"scope","error":"insufficient_scope","error_description":"the access token lacks a required scope"}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"reason":"placeholder","error":"invalid_token","error_description":"the access token is a placeholder, not a token"}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401}
}
