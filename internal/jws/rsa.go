package jws

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rsa"

	"filippo.io/bigmod"
)

// preparedRSA verifies RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2) with a modulus whose Montgomery
// constants were computed once; crypto/rsa computes them for every signature, which is a third
// of its time. For reviewers:
//
//   - The key passed the policy of this package: odd modulus of 2048 to 8192 bits, odd exponent.
//   - A signature of another length than the modulus, or not below it, is refused first.
//   - The encoded message is built in full and compared whole (§8.2.2 step 4). Nothing in what
//     the signature yields is ever parsed, so there is no padding to get wrong.
//   - All values are public, so variable time is fine.
//   - In FIPS 140-3 mode, or if the modulus cannot be prepared, crypto/rsa verifies.
//   - A differential fuzz test holds it against crypto/rsa.
type preparedRSA struct {
	modulus  *bigmod.Modulus
	exponent uint
}

// prepareRSA returns nil where crypto/rsa must do.
func prepareRSA(p *rsa.PublicKey) *preparedRSA {
	if fips140.Enabled() {
		return nil
	}
	m, err := bigmod.NewModulus(p.N.Bytes())
	if err != nil {
		return nil
	}
	return &preparedRSA{m, uint(p.E)}
}

func (p *preparedRSA) verify(hash crypto.Hash, digest, signature []byte) bool {
	size := p.modulus.Size()
	prefix := digestInfo(hash)
	if len(signature) != size || prefix == nil || len(digest) != hash.Size() {
		return false
	}
	s, err := bigmod.NewNat().SetBytes(signature, p.modulus) // an error unless below the modulus
	if err != nil {
		return false
	}
	got := bigmod.NewNat().ExpShortVarTime(s, p.exponent, p.modulus).Bytes(p.modulus)
	return bytes.Equal(got, encodedMessage(size, prefix, digest))
}

// encodedMessage is EMSA-PKCS1-v1_5 (RFC 8017 §9.2): 00 01 FF… 00, DigestInfo, digest.
func encodedMessage(size int, prefix, digest []byte) []byte {
	em := make([]byte, size)
	rest := size - len(prefix) - len(digest)
	em[1] = 1
	for i := 2; i < rest-1; i++ {
		em[i] = 0xff
	}
	copy(em[rest:], prefix)
	copy(em[rest+len(prefix):], digest)
	return em
}

// digestInfo returns the DER of DigestInfo up to the digest (RFC 8017 §9.2 note 1).
func digestInfo(hash crypto.Hash) []byte {
	switch hash {
	case crypto.SHA256:
		return []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")
	case crypto.SHA384:
		return []byte("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30")
	case crypto.SHA512:
		return []byte("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40")
	default:
		return nil
	}
}
