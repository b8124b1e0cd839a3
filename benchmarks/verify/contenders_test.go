package verify_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	gooidc "github.com/coreos/go-oidc/v3/oidc"
	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// verify judges a token: nil means that it is accepted.
type verify func(ctx context.Context, token string) error

// scene is an issuer in memory that signs by one algorithm, and a client that reaches it.
type scene struct {
	alg    devissuer.Algorithm
	issuer *devissuer.Issuer
	client *http.Client
}

// contender is a library, set up as its documentation shows for an API with one issuer, one
// audience and one algorithm; whatever of this it can check is checked.
type contender struct {
	name, module string
	start        func(tb testing.TB, s *scene) verify
	// peer tells it from this library and from those that check no claims.
	peer bool
	// lacks are algorithms that it does not offer for tokens.
	lacks []devissuer.Algorithm
}

const (
	ours, cached, raw, bare = "keychorus", "keychorus, token cache", "go-jose, no claims", "bare crypto"

	issuerURL = "https://bookshop.example.test"
	audience  = "https://api.example.test"
)

// contenders are all but bare crypto, which takes no tokens.
func contenders() []contender {
	return []contender{
		{name: ours, start: func(tb testing.TB, s *scene) verify {
			tb.Helper()
			return startKeychorus(tb, s)
		}},
		{name: cached, start: func(tb testing.TB, s *scene) verify {
			tb.Helper()
			return startKeychorus(tb, s, verifier.WithTokenCache(10_000))
		}},
		{name: "go-oidc", module: "github.com/coreos/go-oidc/v3", start: startGoOIDC, peer: true},
		{name: "keyfunc, golang-jwt", module: "github.com/MicahParks/keyfunc/v3", start: startKeyfunc, peer: true},
		{name: "jwx", module: "github.com/lestrrat-go/jwx/v3", start: startJWX, peer: true},
		{name: "zitadel/oidc", module: "github.com/zitadel/oidc/v3", start: startZitadel, peer: true},
		{name: "go-jwt-middleware", module: "github.com/auth0/go-jwt-middleware/v3", start: startAuth0, peer: true},
		{name: raw, module: "github.com/go-jose/go-jose/v4", start: startJose},
	}
}

func (c contender) offers(alg devissuer.Algorithm) bool { return !slices.Contains(c.lacks, alg) }

func newVerifier(tb testing.TB, s *scene, opts ...verifier.Option) *verifier.Verifier {
	tb.Helper()
	v, err := verifier.New(verifier.Policy{
		Issuers:    []verifier.Issuer{{URL: s.issuer.URL(), JWKSURL: s.issuer.JWKSURL(), HTTPClient: s.client}},
		Audiences:  []string{audience},
		Algorithms: []verifier.Algorithm{verifier.Algorithm(s.alg)},
	}, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

func startKeychorus(tb testing.TB, s *scene, opts ...verifier.Option) verify {
	tb.Helper()
	v := newVerifier(tb, s, opts...)
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}
}

func startGoOIDC(tb testing.TB, s *scene) verify {
	keys := gooidc.NewRemoteKeySet(gooidc.ClientContext(tb.Context(), s.client), s.issuer.JWKSURL())
	v := gooidc.NewVerifier(s.issuer.URL(), keys, &gooidc.Config{ClientID: audience, SupportedSigningAlgs: []string{string(s.alg)}})
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}
}

func startKeyfunc(tb testing.TB, s *scene) verify {
	tb.Helper()
	keys, err := keyfunc.NewDefaultOverrideCtx(tb.Context(), []string{s.issuer.JWKSURL()}, keyfunc.Override{Client: s.client})
	if err != nil {
		tb.Fatal(err)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{string(s.alg)}),
		jwt.WithIssuer(s.issuer.URL()), jwt.WithAudience(audience), jwt.WithExpirationRequired())
	return func(ctx context.Context, token string) error {
		_, err := parser.Parse(token, keys.KeyfuncCtx(ctx))
		return err
	}
}

func startJWX(tb testing.TB, s *scene) verify {
	tb.Helper()
	ctx := tb.Context()
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cache.Shutdown(context.Background()) })
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := cache.Register(ready, s.issuer.JWKSURL(), jwk.WithHTTPClient(s.client)); err != nil {
		tb.Fatal(err)
	}
	keys, err := cache.CachedSet(s.issuer.JWKSURL())
	if err != nil {
		tb.Fatal(err)
	}
	return func(_ context.Context, token string) error {
		_, err := jwxjwt.ParseString(token, jwxjwt.WithKeySet(keys), jwxjwt.WithIssuer(issuerURL),
			jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim(jwxjwt.ExpirationKey))
		return err
	}
}

func startZitadel(_ testing.TB, s *scene) verify {
	v := op.NewAccessTokenVerifier(s.issuer.URL(), rp.NewRemoteKeySet(s.client, s.issuer.JWKSURL()),
		op.WithSupportedAccessTokenSigningAlgorithms(string(s.alg)))
	return func(ctx context.Context, token string) error {
		_, err := op.VerifyAccessToken[*oidc.AccessTokenClaims](ctx, token, v)
		return err
	}
}

func newAuth0(tb testing.TB, s *scene) *validator.Validator {
	tb.Helper()
	issuer, err := url.Parse(s.issuer.URL())
	if err != nil {
		tb.Fatal(err)
	}
	address, err := url.Parse(s.issuer.JWKSURL())
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := jwks.NewCachingProvider(jwks.WithIssuerURL(issuer), jwks.WithCustomJWKSURI(address), jwks.WithCustomClient(s.client))
	if err != nil {
		tb.Fatal(err)
	}
	v, err := validator.New(validator.WithKeyFunc(keys.KeyFunc), validator.WithAlgorithm(validator.SignatureAlgorithm(s.alg)),
		validator.WithIssuer(s.issuer.URL()), validator.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func startAuth0(tb testing.TB, s *scene) verify {
	tb.Helper()
	v := newAuth0(tb, s)
	return func(ctx context.Context, token string) error {
		_, err := v.ValidateToken(ctx, token)
		return err
	}
}

// startJose checks the signature and hands out the payload, as the others do before they read
// claims.
func startJose(_ testing.TB, s *scene) verify {
	algs := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.alg)}
	public := s.issuer.Key().Public()
	return func(_ context.Context, token string) error {
		message, err := jose.ParseSignedCompact(token, algs)
		if err != nil {
			return err
		}
		_, err = message.Verify(public)
		return err
	}
}
