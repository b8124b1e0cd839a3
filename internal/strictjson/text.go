package strictjson

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// str reads a string and returns what it means: a part of the text, or, where something is
// escaped, the content of scratch.
func (s *scanner) str(scratch *[]byte) ([]byte, error) {
	start, escaped := s.at, false
	for i := start + 1; ; {
		i += plain(s.text[i:])
		if i >= len(s.text) {
			return nil, ErrSyntax
		}
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			if escaped {
				return s.unescape(s.text[start:s.at], scratch)
			}
			return s.text[start+1 : i], nil
		case c == '\\':
			escaped = true
			i = min(i+2, len(s.text)) // the next one ends nothing
		case c < ' ':
			return nil, ErrSyntax
		default:
			r, size := utf8.DecodeRune(s.text[i:])
			if r == utf8.RuneError && size == 1 {
				return nil, ErrSyntax
			}
			i += size
		}
	}
}

// unescape also judges the escapes: a surrogate by itself is refused, for example.
func (s *scanner) unescape(quoted []byte, scratch *[]byte) ([]byte, error) {
	var err error
	if *scratch, err = jsontext.AppendUnquote((*scratch)[:0], quoted); err != nil {
		return nil, ErrSyntax
	}
	return *scratch, nil
}

// ones has the lowest bit of each of eight bytes.
const ones = 0x0101010101010101

// plain counts the bytes up to the first that means something in a string: a quote, a
// backslash, a control character, the beginning of a rune beyond ASCII.
func plain(text []byte) int {
	n := 0
	for ; len(text)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(text[n:])
		// Subtracting from eight bytes at once sets the high bit of those that are below
		// what is subtracted. Borrows run upwards, so the lowest bit that is set is right.
		quote, backslash := x^(ones*'"'), x^(ones*'\\') // 0 is where they are
		found := (quote - ones) | (backslash - ones) | (x - ones*' ') | x
		if found &= ones << 7; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for ; n < len(text); n++ {
		if c := text[n]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return n
}

// names knows which members a text has so far, by a hash that no sender can predict, in slots
// of which at most half are taken.
//
// Nothing but the hash is kept: two names of one object with one hash are taken for the same.
// The same name always has the same, so no duplicate is missed; and that a token is refused
// for two different ones has a chance of 2^-64 for each two of its names.
type names struct {
	seed  maphash.Seed
	taken int
	few   [128]uint64 // enough for the claims of most tokens
	many  []uint64    // in place of few, as many as a power of 2
}

// slots are 0 where they are free.
func (n *names) slots() []uint64 {
	if n.many != nil {
		return n.many
	}
	return n.few[:]
}

// add tells whether the object had no member of that name, and has it now.
func (n *names) add(object uint64, name []byte) bool {
	// An odd factor keeps the hashes of one name in different objects apart.
	h := maphash.Bytes(n.seed, name) + object*0x9e3779b97f4a7c15
	if h == 0 {
		h = 1
	}
	slots := n.slots()
	if !put(slots, h) {
		return false
	}
	if n.taken++; 2*n.taken > len(slots) {
		n.many = make([]uint64, 4*len(slots))
		for _, h := range slots {
			if h != 0 {
				put(n.many, h)
			}
		}
	}
	return true
}

// put tells whether h was not there.
func put(slots []uint64, h uint64) bool {
	last := uint64(len(slots) - 1)
	for i := h & last; ; i = (i + 1) & last {
		switch slots[i] {
		case 0:
			slots[i] = h
			return true
		case h:
			return false
		}
	}
}
