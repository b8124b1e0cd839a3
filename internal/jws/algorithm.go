package jws

import (
	"crypto"
	"crypto/elliptic"
	_ "crypto/sha256" // RS256, PS256, ES256
	_ "crypto/sha512" // the 384 and 512 variants
)

// Algorithm is the value of alg (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
type Algorithm string

// The accepted algorithms. EdDSA and Ed25519 are one, since there is no Ed448 here.
const (
	RS256   Algorithm = "RS256"
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256"
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	ES512   Algorithm = "ES512"
	EdDSA   Algorithm = "EdDSA"
	Ed25519 Algorithm = "Ed25519"
)

// family is a kind of signature.
type family uint8

const (
	pkcs1v15 family = iota + 1
	pss
	ecdsaFixed
	ed25519Pure
)

// scheme is how an algorithm signs.
type scheme struct {
	algorithm Algorithm
	family    family
	hash      crypto.Hash
	curve     elliptic.Curve
}

// schemes is read-only.
var schemes = []scheme{
	{RS256, pkcs1v15, crypto.SHA256, nil},
	{RS384, pkcs1v15, crypto.SHA384, nil},
	{RS512, pkcs1v15, crypto.SHA512, nil},
	{PS256, pss, crypto.SHA256, nil},
	{PS384, pss, crypto.SHA384, nil},
	{PS512, pss, crypto.SHA512, nil},
	{ES256, ecdsaFixed, crypto.SHA256, elliptic.P256()},
	{ES384, ecdsaFixed, crypto.SHA384, elliptic.P384()},
	{ES512, ecdsaFixed, crypto.SHA512, elliptic.P521()},
	{EdDSA, ed25519Pure, 0, nil},
	{Ed25519, ed25519Pure, 0, nil},
}

// Algorithms returns all accepted algorithms.
func Algorithms() []Algorithm {
	all := make([]Algorithm, len(schemes))
	for i := range schemes {
		all[i] = schemes[i].algorithm
	}
	return all
}

// schemeOf returns nil for an algorithm that is not accepted.
func schemeOf(alg Algorithm) *scheme {
	for i := range schemes {
		if alg == schemes[i].algorithm {
			return &schemes[i]
		}
	}
	return nil
}
