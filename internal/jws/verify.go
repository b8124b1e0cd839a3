package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
)

// Verify checks the signature with key, by the algorithm of the header, which must be one
// that the key is for. It returns nil, [ErrSignature], or an [*Error] of KeyUnfit.
func (m *Message) Verify(key *Key) error {
	if key == nil || !key.Fits(m.scheme.algorithm) {
		return refuse(KeyUnfit)
	}
	var held bool
	switch m.scheme.family {
	case pkcs1v15:
		held = rsa.VerifyPKCS1v15(key.rsa, m.scheme.hash, m.digest(), m.signature) == nil
	case pss:
		// RFC 7518 §3.5: the salt is as long as the hash.
		opts := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.scheme.hash}
		held = rsa.VerifyPSS(key.rsa, m.scheme.hash, m.digest(), m.signature, &opts) == nil
	case ecdsaFixed:
		held = m.verifyECDSA(key.ecdsa)
	case ed25519Pure:
		held = ed25519.Verify(key.ed25519, []byte(m.signed), m.signature)
	}
	if !held {
		return ErrSignature
	}
	return nil
}

func (m *Message) digest() []byte {
	switch m.scheme.hash {
	case crypto.SHA384:
		sum := sha512.Sum384([]byte(m.signed))
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512([]byte(m.signed))
		return sum[:]
	default:
		sum := sha256.Sum256([]byte(m.signed))
		return sum[:]
	}
}

// verifyECDSA checks R and S of fixed length, one after the other (RFC 7518 §3.4).
func (m *Message) verifyECDSA(key *ecdsa.PublicKey) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(m.signature) != 2*size {
		return false
	}
	r := new(big.Int).SetBytes(m.signature[:size])
	s := new(big.Int).SetBytes(m.signature[size:])
	return ecdsa.Verify(key, m.digest(), r, s)
}
