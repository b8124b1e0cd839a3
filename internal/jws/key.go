package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/hex"
	"slices"
)

// Key is a public key that passed the key policy. It is immutable.
type Key struct {
	id         string
	thumbprint string
	algorithm  Algorithm

	// Exactly one is set; prepared goes with rsa, where that is possible.
	rsa     *rsa.PublicKey
	ecdsa   *ecdsa.PublicKey
	ed25519 ed25519.PublicKey

	prepared *preparedRSA
}

// ID returns the key's kid, or "".
func (k *Key) ID() string { return k.id }

// Thumbprint returns the RFC 7638 thumbprint, base64url of SHA-256.
func (k *Key) Thumbprint() string { return k.thumbprint }

// Algorithm returns the algorithm the key is bound to, or "".
func (k *Key) Algorithm() Algorithm { return k.algorithm }

// Fits tells whether the key may verify signatures of alg: its own algorithm if it is
// bound to one (RFC 8725 §3.1), else any of its type and curve.
func (k *Key) Fits(alg Algorithm) bool {
	s := schemeOf(alg)
	return s != nil && k.fits(s)
}

func (k *Key) fits(s *scheme) bool {
	if k.algorithm != "" && k.algorithm != s.algorithm && !(isEdDSA(k.algorithm) && isEdDSA(s.algorithm)) {
		return false
	}
	switch s.family {
	case pkcs1v15, pss:
		return k.rsa != nil
	case ecdsaFixed:
		return k.ecdsa != nil && k.ecdsa.Curve == s.curve
	default:
		return k.ed25519 != nil
	}
}

func isEdDSA(a Algorithm) bool { return a == EdDSA || a == Ed25519 }

// Defect says why a key is not sound.
type Defect string

// The defects.
const (
	DefectType      Defect = "kty"         // neither RSA nor EC nor Ed25519
	DefectAlgorithm Defect = "alg"         // bound to an algorithm that is not its own
	DefectSize      Defect = "size"        // RSA beyond 2048 to 8192 bits, Ed25519 not 32 bytes
	DefectModulus   Defect = "modulus"     // even
	DefectExponent  Defect = "exponent"    // even, below 65537 or above 2^31-1
	DefectROCA      Defect = "roca"        // CVE-2017-15361
	DefectCurve     Defect = "crv"         // not P-256, P-384, P-521
	DefectPoint     Defect = "point"       // not on the curve, or not canonical
	DefectOrder     Defect = "small_order" // a point of small order verifies anything
)

// KeyError is what [NewKey] returns.
type KeyError struct{ Defect Defect }

func (e *KeyError) Error() string { return "jws: unsound key: " + string(e.Defect) }

const (
	minRSABits  = 2048
	maxRSABits  = 8192
	minExponent = 65537
	maxExponent = 1<<31 - 1
)

// NewKey admits a public key: *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey. id is
// its kid, alg the algorithm it is bound to or "", thumbprint its RFC 7638 thumbprint. The
// error is a [*KeyError].
func NewKey(public crypto.PublicKey, id string, alg Algorithm, thumbprint string) (*Key, error) {
	k := &Key{id: id, thumbprint: thumbprint, algorithm: alg}
	var defect Defect
	switch p := public.(type) {
	case *rsa.PublicKey:
		k.rsa, defect = p, rsaDefect(p)
	case *ecdsa.PublicKey:
		k.ecdsa, defect = p, ecdsaDefect(p)
	case ed25519.PublicKey:
		k.ed25519, defect = slices.Clone(p), ed25519Defect(p)
	default:
		defect = DefectType
	}
	if defect == "" && alg != "" && !k.Fits(alg) {
		defect = DefectAlgorithm
	}
	if defect != "" {
		return nil, &KeyError{defect}
	}
	if k.rsa != nil {
		k.prepared = prepareRSA(k.rsa)
	}
	return k, nil
}

func rsaDefect(p *rsa.PublicKey) Defect {
	switch {
	case p == nil || p.N == nil || p.N.Sign() <= 0:
		return DefectType
	case p.N.BitLen() < minRSABits || p.N.BitLen() > maxRSABits:
		return DefectSize
	case p.N.Bit(0) == 0:
		return DefectModulus
	case p.E < minExponent || p.E > maxExponent || p.E%2 == 0:
		return DefectExponent
	case isROCA(p.N):
		return DefectROCA
	}
	return ""
}

func ecdsaDefect(p *ecdsa.PublicKey) Defect {
	if p == nil || p.Curve == nil || p.X == nil || p.Y == nil { //nolint:staticcheck // only whether they are set
		return DefectType
	}
	switch p.Curve {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
	default:
		return DefectCurve
	}
	if _, err := p.ECDH(); err != nil { // checks that the point is on the curve
		return DefectPoint
	}
	return ""
}

// smallOrder are the y coordinates of the points of small order on Curve25519, little
// endian: 0, 1, -1 and two of order eight. It is read-only.
var smallOrder = [...]string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
}

func ed25519Defect(p ed25519.PublicKey) Defect {
	if len(p) != ed25519.PublicKeySize {
		return DefectSize
	}
	y := slices.Clone(p)
	y[31] &= 0x7f // the sign of x
	if !belowPrime(y) {
		return DefectPoint // RFC 8032 §5.1.3
	}
	if slices.Contains(smallOrder[:], hex.EncodeToString(y)) {
		return DefectOrder
	}
	return ""
}

// belowPrime tells whether y, little endian, is less than 2^255-19.
func belowPrime(y []byte) bool {
	for i := 31; i > 0; i-- {
		limit := byte(0xff)
		if i == 31 {
			limit = 0x7f
		}
		if y[i] != limit {
			return true
		}
	}
	return y[0] < 0xed
}
