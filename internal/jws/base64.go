package jws

import "encoding/binary"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// foreign is what [sextets] has for a byte that is not of the alphabet.
const foreign = 1

// sextets has the six bits that a byte of base64url stands for (RFC 4648 §5), by its place
// among four, where they belong in the upper 24 of 32 bits. It is read-only.
var sextets = func() (at [4][256]uint32) {
	for place := range at {
		for c := range at[place] {
			at[place][c] = foreign
		}
		for value, c := range []byte(alphabet) {
			at[place][c] = uint32(value) << (26 - 6*place)
		}
	}
	return at
}()

// room is the capacity that [decode] makes use of for n bytes of base64url.
func room(n int) int { return n/4*3 + 3 + 8 }

// decode appends a segment's bytes to buf and returns the bytes and the grown buffer. It takes
// base64url in its one form (RFC 7515 §2): no padding, no line breaks, nothing left over, and
// trailing bits of zero (RFC 4648 §3.5).
func decode(buf []byte, segment string) (decoded, grown []byte, ok bool) {
	if len(segment) == 0 || len(segment)%4 == 1 {
		return nil, buf, false
	}
	grown, n, rest := buf[:cap(buf)], len(buf), segment
	var all uint32 // whether anything was foreign
	for len(rest) >= 8 && len(grown)-n >= 8 {
		a := sextets[0][rest[0]] | sextets[1][rest[1]] | sextets[2][rest[2]] | sextets[3][rest[3]]
		b := sextets[0][rest[4]] | sextets[1][rest[5]] | sextets[2][rest[6]] | sextets[3][rest[7]]
		all |= a | b
		binary.BigEndian.PutUint64(grown[n:], uint64(a)<<32|uint64(b)<<8) // six bytes, and two for the next to write over
		n += 6
		rest = rest[8:]
	}
	grown = grown[:n]
	var bits uint32
	left := 0 // of bits
	for i := range len(rest) {
		v := sextets[3][rest[i]]
		all |= v
		bits = bits<<6 | v>>8
		if left += 6; left >= 8 {
			left -= 8
			grown = append(grown, byte(bits>>left))
		}
	}
	if all&foreign != 0 || bits&(1<<left-1) != 0 {
		return nil, buf, false
	}
	return grown[len(buf):len(grown):len(grown)], grown, true
}
