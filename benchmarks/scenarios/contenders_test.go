package scenarios_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/keychorus/keychorus/verifier"
)

// verify judges a token: nil means that it is accepted.
type verify func(ctx context.Context, token string) error

// contender is a library, set up as its documentation shows for an API with one issuer and
// one audience; issuer, audience, algorithm and expiry are checked where it offers that.
type contender struct {
	name, module string
	start        func(ctx context.Context, t *testing.T, client *http.Client, issuer, jwks string) verify
}

func contenders() []contender {
	return []contender{
		{"keychorus", "github.com/keychorus/keychorus", startKeychorus},
		{"go-oidc", "github.com/coreos/go-oidc/v3", startGoOIDC},
		{"keyfunc", "github.com/MicahParks/keyfunc/v3", startKeyfunc},
		{"jwx", "github.com/lestrrat-go/jwx/v3", startJWX},
		{"zitadel/oidc", "github.com/zitadel/oidc/v3", startZitadel},
	}
}

const audience = "https://api.example.test"

func startKeychorus(_ context.Context, t *testing.T, client *http.Client, issuer, jwks string) verify {
	t.Helper()
	v, err := verifier.New(verifier.Policy{
		Issuers:    []verifier.Issuer{{URL: issuer, JWKSURL: jwks, HTTPClient: client}},
		Audiences:  []string{audience},
		Algorithms: []verifier.Algorithm{verifier.RS256},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}
}

func startGoOIDC(ctx context.Context, _ *testing.T, client *http.Client, issuer, jwks string) verify {
	keys := gooidc.NewRemoteKeySet(gooidc.ClientContext(ctx, client), jwks)
	v := gooidc.NewVerifier(issuer, keys, &gooidc.Config{ClientID: audience})
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}
}

func startKeyfunc(ctx context.Context, _ *testing.T, client *http.Client, issuer, jwks string) verify {
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{jwks}, keyfunc.Override{Client: client})
	if err != nil {
		return func(context.Context, string) error { return err }
	}
	return func(ctx context.Context, token string) error {
		_, err := jwt.Parse(token, keys.KeyfuncCtx(ctx), jwt.WithValidMethods([]string{"RS256"}),
			jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired())
		return err
	}
}

func startJWX(ctx context.Context, t *testing.T, client *http.Client, issuer, jwks string) verify {
	t.Helper()
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Shutdown(context.Background()) })
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = cache.Register(ready, jwks, jwk.WithHTTPClient(client)) // an error only says that there are no keys yet
	return func(ctx context.Context, token string) error {
		keys, err := cache.Lookup(ctx, jwks)
		if err != nil {
			return err
		}
		_, err = jwxjwt.Parse([]byte(token), jwxjwt.WithKeySet(keys), jwxjwt.WithIssuer(issuer),
			jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim(jwxjwt.ExpirationKey))
		return err
	}
}

func startZitadel(_ context.Context, _ *testing.T, client *http.Client, issuer, jwks string) verify {
	v := op.NewAccessTokenVerifier(issuer, rp.NewRemoteKeySet(client, jwks))
	return func(ctx context.Context, token string) error {
		_, err := op.VerifyAccessToken[*oidc.AccessTokenClaims](ctx, token, v)
		return err
	}
}
