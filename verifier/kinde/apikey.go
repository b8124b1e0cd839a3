package kinde

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keychorus/keychorus/verifier"
)

// APIKey is what Kinde says about an API key. It decodes the answer of
// POST /api/v1/api_keys/verify as it is.
type APIKey struct {
	// Valid is is_valid; false refuses the key.
	Valid bool `json:"is_valid"`
	// Status is status: active, inactive or revoked. Another one than active, or none, refuses
	// the key.
	Status string `json:"status"`
	// ID is key_id, and becomes [verifier.Token.ClientID]. Required.
	ID string `json:"key_id"`
	// Scopes is scopes.
	Scopes []string `json:"scopes"`
	// UserID is user_id, and becomes [verifier.Token.Subject]; "" for a key of nobody.
	UserID string `json:"user_id"`
	// OrgCode is org_code, for [Organization]; "" for a key outside organisations.
	OrgCode string `json:"org_code"`
}

// keyPrefix is what Kinde's API keys begin with: k_live_ in all that its documentation shows.
const keyPrefix = "k_"

// keyLifetime is how long what Kinde said of a key is said to hold. The verifier asks about
// every request anew.
const keyLifetime = 5 * time.Minute

// APIKeys accepts Kinde's API keys, which come in the same header as access tokens: lookup asks
// Kinde about a key, and the answer is judged as a token of the policy's first issuer. p is the
// policy that the verifier is made with. A key names no audience, so it is taken to be meant for
// this API; Config.Clients, if set, must name the ids of the keys that may call, and
// Config.Accept of AcceptUsers refuses keys of nobody. [Users] and [Machines] refuse all keys, so
// that a route for one of them does not open to another kind of credential. A key has scopes and
// no permissions.
//
// What does not look like a key, such as a refresh token, is refused as inactive without
// lookup being asked. lookup returns an error that wraps [verifier.ErrInvalidToken] for a key
// that Kinde does not know; any other error means that nobody can tell,
// [verifier.ErrUnavailable]. It is called with every request, see [verifier.WithOpaqueTokens]
// for what it has to mind; if it remembers answers, that is how long a revoked key goes on
// working. A nil function and a policy without issuer are errors.
// Default: API keys are refused as opaque.
func APIKeys(p verifier.Policy, lookup func(ctx context.Context, key string) (*APIKey, error)) verifier.Option {
	if lookup == nil || len(p.Issuers) == 0 {
		return verifier.WithOpaqueTokens(nil) // which New reports
	}
	issuer, audiences := p.Issuers[0].URL, slices.Clone(p.Audiences)
	if len(p.Issuers[0].Audiences) > 0 {
		audiences = slices.Clone(p.Issuers[0].Audiences)
	}
	return verifier.WithOpaqueTokens(func(ctx context.Context, token string) ([]byte, error) {
		if !strings.HasPrefix(token, keyPrefix) {
			return nil, fmt.Errorf("kinde: not an API key: %w", verifier.ErrInvalidToken)
		}
		key, err := lookup(ctx, token)
		switch {
		case err != nil:
			return nil, err
		case key == nil:
			return nil, errors.New("kinde: APIKeys: the function returned neither key nor error")
		case !key.Valid || key.Status != "active":
			return nil, fmt.Errorf("kinde: the API key is not active: %w", verifier.ErrInvalidToken)
		case key.ID == "":
			return nil, errors.New("kinde: APIKeys: key_id is empty")
		}
		return key.claims(issuer, audiences, time.Now())
	})
}

// claims returns what a token with the rights of the key would say.
func (k *APIKey) claims(issuer string, audiences []string, now time.Time) ([]byte, error) {
	claims, err := json.Marshal(struct {
		Active   bool     `json:"active"`
		Issuer   string   `json:"iss"`
		Audience []string `json:"aud"`
		Subject  string   `json:"sub,omitempty"`
		Client   string   `json:"azp"`
		IssuedAt int64    `json:"iat"`
		Expiry   int64    `json:"exp"`
		Grants   []string `json:"gty"`
		Scopes   []string `json:"scp"`
		OrgCode  string   `json:"org_code,omitempty"`
	}{
		true, issuer, audiences, k.UserID, k.ID, now.Unix(), now.Add(keyLifetime).Unix(), []string{keyGrant}, k.Scopes, k.OrgCode,
	})
	if err != nil {
		return nil, fmt.Errorf("kinde: an API key's answer: %w", err)
	}
	return claims, nil
}
