package main

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

// The states of a published key.
const (
	keyUsable  = "usable"
	keyDenied  = "denied"
	keySkipped = "not used" // unsuitable by the rules of docs/keys.md
)

// keyReport is one entry of a JWK Set (RFC 7517 §4).
type keyReport struct {
	ID         string `json:"kid"`
	Type       string `json:"kty"`
	Algorithm  string `json:"alg,omitempty"`
	Curve      string `json:"crv,omitempty"`
	Use        string `json:"use,omitempty"`
	Thumbprint string `json:"thumbprint,omitempty"` // RFC 7638, SHA-256
	State      string `json:"state"`
}

// keysOf lists the keys of a record and what verifiers make of each.
func keysOf(rec *keystore.Record) []keyReport {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(rec.Document, &set) != nil {
		return []keyReport{}
	}
	keys := make([]keyReport, 0, len(set.Keys))
	for _, raw := range set.Keys {
		var entry struct {
			ID        string `json:"kid"`
			Type      string `json:"kty"`
			Algorithm string `json:"alg"`
			Curve     string `json:"crv"`
			Use       string `json:"use"`
		}
		_ = json.Unmarshal(raw, &entry) // what cannot be read stays empty
		k := keyReport{
			ID: entry.ID, Type: entry.Type, Algorithm: entry.Algorithm, Curve: entry.Curve, Use: entry.Use,
			Thumbprint: thumbprintOf(raw), State: keySkipped,
		}
		switch {
		case k.ID != "" && slices.Contains(rec.Denied, k.ID), k.Thumbprint != "" && slices.Contains(rec.Denied, k.Thumbprint):
			k.State = keyDenied
		case usable(raw):
			k.State = keyUsable
		}
		keys = append(keys, k)
	}
	return keys
}

// thumbprintOf returns "" for what is no public key.
func thumbprintOf(raw json.RawMessage) string {
	var k jose.JSONWebKey
	if k.UnmarshalJSON(raw) != nil || !k.IsPublic() {
		return ""
	}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// usable asks a verifier about a single entry, so that it is told what the fleet does and not
// what it might do. It uses no network.
func usable(raw json.RawMessage) bool {
	v, err := verifier.New(policyFor(verifier.Issuer{
		URL: "https://issuer.invalid", StaticJWKS: slices.Concat([]byte(`{"keys":[`), raw, []byte(`]}`)),
	}))
	if err != nil {
		return false
	}
	_ = v.Close()
	return true
}

// policyFor is a policy for looking after keys: no token ever meets it.
func policyFor(iss verifier.Issuer) verifier.Policy {
	return verifier.Policy{
		Issuers: []verifier.Issuer{iss}, AllowAnyAudienceUnsafe: true, AuthorizedParties: []string{"nobody"},
	}
}
