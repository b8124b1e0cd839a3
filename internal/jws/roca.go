package jws

import "math/big"

// rocaPrimes are the primes behind the fingerprint of CVE-2017-15361. It is read-only.
var rocaPrimes = [...]uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
	101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// isROCA tells whether a modulus has the fingerprint of the flawed generator: its primes
// were powers of 65537 modulo a product of small primes, so that the modulus is one too,
// modulo each of them. An ordinary modulus matches all of them with a chance of about 2^-27.
func isROCA(n *big.Int) bool {
	var rest, p big.Int
	for _, prime := range rocaPrimes {
		rest.Mod(n, p.SetUint64(prime))
		if !isPowerOf65537(rest.Uint64(), prime) {
			return false
		}
	}
	return true
}

func isPowerOf65537(x, prime uint64) bool {
	for power := uint64(1); ; {
		if power == x {
			return true
		}
		if power = power * 65537 % prime; power == 1 {
			return false
		}
	}
}
