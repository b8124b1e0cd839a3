package devissuer_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func Example() {
	issuer, err := devissuer.New("https://issuer.test", devissuer.WithAudience("https://api.test"))
	if err != nil {
		log.Fatal(err)
	}
	token, err := issuer.Mint(devissuer.MachineClaims("read:books"))
	if err != nil {
		log.Fatal(err)
	}

	client := &http.Client{Transport: issuer.RoundTripper()} // no socket
	resp, err := client.Get(issuer.JWKSURL())
	if err != nil {
		log.Fatal(err)
	}
	var keys jose.JSONWebKeySet
	err = errors.Join(json.NewDecoder(resp.Body).Decode(&keys), resp.Body.Close())
	if err != nil {
		log.Fatal(err)
	}
	message, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		log.Fatal(err)
	}
	payload, err := message.Verify(keys.Keys[0])
	if err != nil {
		log.Fatal(err)
	}
	var claims struct {
		Issuer   string   `json:"iss"`
		Audience []string `json:"aud"`
		Scopes   []string `json:"scp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Issuer, claims.Audience, claims.Scopes)
	fmt.Println("requests for keys:", issuer.Counts().JWKS)
	// Output:
	// https://issuer.test [https://api.test] [read:books]
	// requests for keys: 1
}

// A token that must be refused, though its signature holds: it expired an hour
// ago, and its header claims another type.
func ExampleIssuer_Sign() {
	issuer, err := devissuer.New("https://issuer.test", devissuer.WithAlgorithm(devissuer.Ed25519))
	if err != nil {
		log.Fatal(err)
	}
	payload, err := issuer.Payload(devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)})
	if err != nil {
		log.Fatal(err)
	}
	token, err := issuer.Sign([]byte(`{"alg":"Ed25519","typ":"logout+jwt"}`), payload)
	if err != nil {
		log.Fatal(err)
	}
	header, _, _ := strings.Cut(token, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(header)
	fmt.Println(string(decoded), err)
	// Output: {"alg":"Ed25519","typ":"logout+jwt"} <nil>
}

// After a rotation, the old key stays published until it is withdrawn.
func ExampleIssuer_Rotate() {
	issuer, err := devissuer.New("https://issuer.test", devissuer.WithAlgorithm(devissuer.ES256))
	if err != nil {
		log.Fatal(err)
	}
	published := func() int {
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(issuer.JWKS(), &set); err != nil {
			log.Fatal(err)
		}
		return len(set.Keys)
	}
	old := issuer.Key().ID()
	kid, err := issuer.Rotate()
	fmt.Println(kid != old, err, published())
	fmt.Println(issuer.Withdraw(old), published())
	// Output:
	// true <nil> 2
	// <nil> 1
}
