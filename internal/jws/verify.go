package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
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
		if key.prepared != nil {
			held = key.prepared.verify(m.scheme.hash, m.digest(), m.signature)
			break
		}
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
	var buf [maxDER]byte
	return ecdsa.VerifyASN1(key, m.digest(), derSignature(buf[:0], m.signature[:size], m.signature[size:]))
}

// maxDER is the length of the largest signature: two of 66 bytes and a sign byte each.
const maxDER = 3 + 2*(2+1+66)

// derSignature appends the DER form of R and S (RFC 3279 §2.2.3), which is what the standard
// library takes without a detour over big.Int.
func derSignature(b, r, s []byte) []byte {
	r, s = integer(r), integer(s)
	n := 4 + signed(r) + signed(s)
	b = append(b, 0x30)
	if n >= 0x80 {
		b = append(b, 0x81)
	}
	b = append(b, byte(n))
	for _, x := range [...][]byte{r, s} {
		b = append(b, 0x02, byte(signed(x)))
		if signed(x) > len(x) {
			b = append(b, 0)
		}
		b = append(b, x...)
	}
	return b
}

// integer drops leading zeros, and keeps one byte of zero itself.
func integer(x []byte) []byte {
	for len(x) > 1 && x[0] == 0 {
		x = x[1:]
	}
	return x
}

// signed is the length of x as a DER INTEGER, which has a sign bit.
func signed(x []byte) int { return len(x) + int(x[0]>>7) }
