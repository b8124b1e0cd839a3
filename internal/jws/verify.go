package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"sync"
)

// Verify checks the signature with key, by the algorithm of the header, which must be one
// that the key is for. It returns nil, [ErrSignature], or an [*Error] of KeyUnfit.
func (m *Message) Verify(key *Key) error {
	if key == nil || !key.fits(m.scheme) {
		return refuse(KeyUnfit)
	}
	w, _ := works.Get().(*work)
	held := w.verify(m, key)
	w.end()
	if !held {
		return ErrSignature
	}
	return nil
}

// work is the memory that a check needs and nobody afterwards.
type work struct {
	signed []byte
	digest [sha512.Size]byte
	der    [maxDER]byte
	pss    rsa.PSSOptions
}

// works are of the size of tokens: the standard library takes bytes, not strings, and each
// check would copy its token to the heap.
var works = sync.Pool{New: func() any { return new(work) }}

// end keeps no part of a token, and no memory for the largest.
func (w *work) end() {
	if cap(w.signed) > defaultTokenBytes {
		w.signed = nil
	}
	clear(w.signed)
	clear(w.digest[:])
	clear(w.der[:])
	works.Put(w)
}

func (w *work) verify(m *Message, key *Key) bool {
	w.signed = append(w.signed[:0], m.signed...)
	hash := m.scheme.hash
	switch m.scheme.family {
	case pkcs1v15:
		if key.prepared != nil {
			return key.prepared.verify(hash, w.hash(hash), m.signature)
		}
		return rsa.VerifyPKCS1v15(key.rsa, hash, w.hash(hash), m.signature) == nil
	case pss:
		w.pss = rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash} // RFC 7518 §3.5
		return rsa.VerifyPSS(key.rsa, hash, w.hash(hash), m.signature, &w.pss) == nil
	case ecdsaFixed:
		return w.verifyECDSA(m, key.ecdsa)
	case ed25519Pure:
		return ed25519.Verify(key.ed25519, w.signed, m.signature)
	default:
		return false
	}
}

// hash returns the digest of what is signed.
func (w *work) hash(by crypto.Hash) []byte {
	switch by {
	case crypto.SHA384:
		sum := sha512.Sum384(w.signed)
		return w.digest[:copy(w.digest[:], sum[:])]
	case crypto.SHA512:
		sum := sha512.Sum512(w.signed)
		return w.digest[:copy(w.digest[:], sum[:])]
	default:
		sum := sha256.Sum256(w.signed)
		return w.digest[:copy(w.digest[:], sum[:])]
	}
}

// verifyECDSA checks R and S of fixed length, one after the other (RFC 7518 §3.4).
func (w *work) verifyECDSA(m *Message, key *ecdsa.PublicKey) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(m.signature) != 2*size {
		return false
	}
	return ecdsa.VerifyASN1(key, w.hash(m.scheme.hash), derSignature(w.der[:0], m.signature[:size], m.signature[size:]))
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
