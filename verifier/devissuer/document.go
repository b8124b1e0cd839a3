package devissuer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// JWKS returns the key set as it is published now, for verifiers that take it
// as bytes. The bytes are the caller's.
func (i *Issuer) JWKS() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return bytes.Clone(i.keySet())
}

// SetDocument publishes exactly doc instead of the key set, JSON or not, until
// it is called with nil. The key set goes on changing unseen.
func (i *Issuer) SetDocument(doc []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.document = bytes.Clone(doc)
}

// SetDiscovery publishes exactly doc instead of the discovery document, JSON or
// not, until it is called with nil.
func (i *Issuer) SetDiscovery(doc []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.discovery = bytes.Clone(doc)
}

// SetCacheControl sends value as the Cache-Control of key set and discovery
// document. The default is empty: no such header.
func (i *Issuer) SetCacheControl(value string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cacheControl = value
}

func (i *Issuer) keySet() []byte {
	if i.document != nil {
		return i.document
	}
	var published [][]byte
	for _, key := range i.keys {
		if !i.withdrawn[key] {
			published = append(published, key.jwk)
		}
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, bytes.Join(published, []byte(",")))
}

// metadataOf is the usual discovery document. It lists every algorithm, since
// the next rotation may be to any, and endpoints nobody answers at, since
// OpenID Connect Discovery §3 and RFC 8414 §2 require them.
func metadataOf(issuer string) ([]byte, error) {
	base := strings.TrimSuffix(issuer, "/")
	doc, err := json.Marshal(map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              base + jwksPath,
		"authorization_endpoint":                base + "/oauth2/auth",
		"token_endpoint":                        base + "/oauth2/token",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": Algorithms(),
		"scopes_supported":                      []string{"openid", "profile", "email", "offline"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
	if err != nil {
		return nil, fmt.Errorf("devissuer: encode discovery document: %w", err)
	}
	return doc, nil
}
