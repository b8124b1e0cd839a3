package jwks

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/jws"
)

// entry is what of a JWK takes part in verification. Everything else, certificates
// included, is left out of what go-jose gets to see.
type entry struct {
	Type      string    `json:"kty"`
	KeyID     *string   `json:"kid"`
	Use       *string   `json:"use"`
	KeyOps    *[]string `json:"key_ops"`
	Algorithm *string   `json:"alg"`
	Curve     string    `json:"crv"`
	N         string    `json:"n"`
	E         string    `json:"e"`
	X         string    `json:"x"`
	Y         string    `json:"y"`
}

// material is the public key material of a key on a curve (RFC 7518 §6.2, RFC 8037 §2).
type material struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y,omitempty"`
}

type skipError struct{ reason string }

func (e *skipError) Error() string { return "jwks: key not usable: " + e.reason }

func skip(reason string) error { return &skipError{reason} }

// parseEntry returns the key of an entry, and the entry's kid whether or not the key is
// usable.
func parseEntry(raw []byte) (*jws.Key, string, error) {
	kid := keyID(raw)
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, kid, skip("malformed")
	}
	for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "priv"} {
		if _, ok := members[secret]; ok {
			return nil, kid, skip("private")
		}
	}
	if _, ok := members["k"]; ok {
		return nil, kid, skip("symmetric")
	}
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, kid, skip("malformed")
	}
	if e.KeyID != nil && *e.KeyID != kid {
		return nil, "", skip("malformed")
	}
	if err := e.admissible(); err != nil {
		return nil, kid, err
	}
	key, err := e.key(kid)
	return key, kid, err
}

// admissible checks what an entry says of itself (RFC 7517 §4.2 to §4.4).
func (e *entry) admissible() error {
	switch {
	case e.Type == "oct":
		return skip("symmetric")
	case e.Use != nil && *e.Use != "sig":
		return skip("use")
	case e.KeyOps != nil && !slices.Contains(*e.KeyOps, "verify"):
		return skip("key_ops")
	case e.Algorithm != nil && !slices.Contains(jws.Algorithms(), jws.Algorithm(*e.Algorithm)):
		return skip("alg")
	}
	switch e.Type {
	case "RSA":
	case "EC":
		if e.Curve != "P-256" && e.Curve != "P-384" && e.Curve != "P-521" {
			return skip("crv")
		}
	case "OKP":
		if e.Curve != "Ed25519" {
			return skip("crv")
		}
	default:
		return skip("kty")
	}
	return nil
}

// key builds the key and admits it by the key policy.
func (e *entry) key(kid string) (*jws.Key, error) {
	var (
		jwk jose.JSONWebKey
		err error
	)
	if e.Type == "RSA" {
		jwk.Key, err = e.rsa()
	} else {
		jwk, err = e.curveKey()
	}
	if err != nil {
		return nil, err
	}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, skip("malformed")
	}
	alg := ""
	if e.Algorithm != nil {
		alg = *e.Algorithm
	}
	key, err := jws.NewKey(jwk.Key, kid, jws.Algorithm(alg), base64.RawURLEncoding.EncodeToString(sum))
	if ke, ok := errors.AsType[*jws.KeyError](err); ok {
		return nil, skip(string(ke.Defect))
	}
	return key, err
}

// rsa reads n and e (RFC 7518 §6.3.1) itself, since go-jose takes no modulus beyond 4096
// bits unless a global variable of its is changed.
func (e *entry) rsa() (*rsa.PublicKey, error) {
	n, err1 := base64.RawURLEncoding.DecodeString(e.N)
	x, err2 := base64.RawURLEncoding.DecodeString(e.E)
	x = bytes.TrimLeft(x, "\x00")
	if err1 != nil || err2 != nil || len(n) == 0 || len(x) == 0 {
		return nil, skip("malformed")
	}
	if len(x) > 4 {
		return nil, skip(string(jws.DefectExponent))
	}
	exponent := new(big.Int).SetBytes(x).Uint64()
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, nil
}

// curveKey leaves lengths, encodings and points to go-jose.
func (e *entry) curveKey() (jose.JSONWebKey, error) {
	var jwk jose.JSONWebKey
	raw, err := json.Marshal(material{e.Type, e.Curve, e.X, e.Y})
	if err == nil {
		err = jwk.UnmarshalJSON(raw)
	}
	if err != nil {
		return jwk, skip("malformed")
	}
	return jwk, nil
}

// keyID reads the kid of an entry that may otherwise be malformed, so that tokens which name
// it can be refused without asking the issuer. It returns "" for a kid no token can carry.
func keyID(raw []byte) string {
	var e struct {
		KeyID string `json:"kid"`
	}
	loose := json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := json.Unmarshal(raw, &e, loose); err != nil || len(e.KeyID) > maxKeyIDBytes {
		return ""
	}
	for i := range len(e.KeyID) {
		if c := e.KeyID[i]; c < ' ' || c > '~' {
			return ""
		}
	}
	return e.KeyID
}
