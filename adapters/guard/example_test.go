package guard_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// A framework of your own: facts of the request in, a decision out.
func Example() {
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience("https://api.test"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}}, // no network
		Audiences: []string{"https://api.test"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	g, err := guard.New(v, guard.WithRealm("books"))
	if err != nil {
		log.Fatal(err)
	}
	token, err := issuer.Mint(devissuer.Claims{"sub": "grace", "scp": []string{"read:books"}})
	if err != nil {
		log.Fatal(err)
	}

	request := guard.Request{Method: "GET", Header: http.Header{"Authorization": {"Bearer " + token}}}
	for _, scope := range []string{"read:books", "write:books"} {
		d := g.Check(context.Background(), request, verifier.Scopes(scope))
		if d.Allowed() {
			fmt.Println(d.Status(), d.Token().Subject())
			continue
		}
		fmt.Println(d.Status(), d.Header().Get("WWW-Authenticate"))
		fmt.Println(string(d.Body()))
	}
	// Output:
	// 200 grace
	// 403 Bearer realm="books", error="insufficient_scope", error_description="the access token lacks a required scope", scope="write:books"
	// {"type":"about:blank","title":"Forbidden","status":403,"reason":"scope","error":"insufficient_scope","error_description":"the access token lacks a required scope"}
}
