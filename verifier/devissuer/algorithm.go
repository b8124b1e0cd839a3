package devissuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // links SHA-384 and SHA-512 for crypto.Hash
	"maps"
	"slices"
)

// Algorithm is a signature algorithm as the "alg" header names it (RFC 7518
// §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
type Algorithm string

// The algorithms an [Issuer] can sign with. EdDSA and Ed25519 are two names for
// the same signatures.
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

// Algorithms returns every algorithm, sorted by name.
func Algorithms() []Algorithm {
	return slices.Sorted(maps.Keys(schemes))
}

// scheme is how an algorithm makes keys and signatures.
type scheme struct {
	options  crypto.SignerOpts
	generate func() (crypto.Signer, error)
	family   string // of keys that can sign so
}

var schemes = map[Algorithm]scheme{
	RS256:   {crypto.SHA256, rsaKey(2048), "RSA"},
	RS384:   {crypto.SHA384, rsaKey(2048), "RSA"},
	RS512:   {crypto.SHA512, rsaKey(2048), "RSA"},
	PS256:   {pss(crypto.SHA256), rsaKey(2048), "RSA"},
	PS384:   {pss(crypto.SHA384), rsaKey(2048), "RSA"},
	PS512:   {pss(crypto.SHA512), rsaKey(2048), "RSA"},
	ES256:   {crypto.SHA256, ecKey(elliptic.P256()), "P256"},
	ES384:   {crypto.SHA384, ecKey(elliptic.P384()), "P384"},
	ES512:   {crypto.SHA512, ecKey(elliptic.P521()), "P521"},
	EdDSA:   {crypto.Hash(0), edKey, "Ed25519"},
	Ed25519: {crypto.Hash(0), edKey, "Ed25519"},
}

// pss uses a salt as long as the hash (RFC 7518 §3.5).
func pss(hash crypto.Hash) crypto.SignerOpts {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
}

func rsaKey(bits int) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) }
}

func ecKey(curve elliptic.Curve) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return ecdsa.GenerateKey(curve, rand.Reader) }
}

func edKey() (crypto.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}
