package main

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"math/big"
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
	Bits       int    `json:"bits,omitempty"`       // of an RSA modulus
	State      string `json:"state"`
	Why        string `json:"why,omitempty"` // it is not used
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
		var entry entry
		_ = json.Unmarshal(raw, &entry) // what cannot be read stays empty
		k := keyReport{
			ID: entry.ID, Type: entry.Type, Algorithm: entry.Algorithm, Curve: entry.Curve, Use: entry.Use,
			Thumbprint: thumbprintOf(raw), Bits: entry.bits(), State: keySkipped,
		}
		switch {
		case k.ID != "" && slices.Contains(rec.Denied, k.ID), k.Thumbprint != "" && slices.Contains(rec.Denied, k.Thumbprint):
			k.State = keyDenied
		case usable(raw):
			k.State = keyUsable
		default:
			k.Why = entry.why(raw)
		}
		keys = append(keys, k)
	}
	return keys
}

// entry is what a JWK says of itself.
type entry struct {
	ID        string   `json:"kid"`
	Type      string   `json:"kty"`
	Algorithm string   `json:"alg"`
	Curve     string   `json:"crv"`
	Use       string   `json:"use"`
	KeyOps    []string `json:"key_ops"`
	N         string   `json:"n"`
}

// bits is the length of an RSA modulus, else 0.
func (e *entry) bits() int {
	n, err := base64.RawURLEncoding.DecodeString(e.N)
	if err != nil || e.Type != "RSA" {
		return 0
	}
	return new(big.Int).SetBytes(n).BitLen()
}

// why says what keeps verifiers from using an entry, as far as it can be seen. They decide.
func (e *entry) why(raw json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return members[n] != nil })
	}
	switch bits := e.bits(); {
	case e.Type == "oct" || has("k"):
		return "symmetric: a secret, published"
	case has("d", "p", "q", "dp", "dq", "qi", "oth", "priv"):
		return "private: a secret, published"
	case e.Use != "" && e.Use != "sig":
		return "not for signatures"
	case e.KeyOps != nil && !slices.Contains(e.KeyOps, "verify"):
		return "not for verifying"
	case bits > 0 && bits < 2048:
		return "too short"
	case bits > 8192:
		return "too long"
	case e.Type != "RSA" && e.Type != "EC" && e.Type != "OKP":
		return "unknown type"
	case e.Type != "RSA" && !slices.Contains([]string{"P-256", "P-384", "P-521", "Ed25519"}, e.Curve):
		return "unknown curve"
	case e.Algorithm != "" && !slices.Contains(algorithms, e.Algorithm):
		return "unknown algorithm"
	}
	return "malformed or weak"
}

// algorithms are those of package verifier. Read-only.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}

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
