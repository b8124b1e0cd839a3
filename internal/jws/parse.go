package jws

import (
	"encoding/base64"
	"strings"
)

// Limits bound what [Parse] reads. Zero fields are the defaults.
type Limits struct {
	TokenBytes  int // the compact form; default 16 KiB
	HeaderBytes int // the decoded header; default 1 KiB
	Members     int // of the header; default 16
	// Proof admits a jwk member, for proofs that carry their key (RFC 9449 §4.2).
	Proof bool
}

const (
	defaultTokenBytes  = 16 << 10
	defaultHeaderBytes = 1 << 10
	defaultMembers     = 16
	maxKeyIDBytes      = 256
)

// Message is a parsed token whose signature nobody has checked yet. It refers to the token
// it was parsed from; what its methods return does not.
type Message struct {
	header
	recalled  bool   // the header is a remembered one
	signed    string // the first two segments
	payload   []byte
	signature []byte
}

// Algorithm returns alg, one of [Algorithms].
func (m *Message) Algorithm() Algorithm { return m.scheme.algorithm }

// KeyID returns kid, or "".
func (m *Message) KeyID() string { return m.keyID }

// Type returns typ as it stands, or "".
func (m *Message) Type() string { return m.typ }

// Payload returns the decoded payload. It belongs to the message.
func (m *Message) Payload() []byte { return m.payload }

// JWK returns the header's jwk under [Limits].Proof, or nil.
func (m *Message) JWK() []byte { return m.jwk }

// Parse reads a compact JWS (RFC 7515 §7.1) in its one canonical form. The error is an
// [*Error].
func Parse(token string, lim Limits) (*Message, error) {
	return parse(token, lim, func(string) (header, bool) { return header{}, false })
}

// parse reads the header, unless recall knows the segment.
func parse(token string, lim Limits, recall func(segment string) (header, bool)) (*Message, error) {
	if len(token) > orDefault(lim.TokenBytes, defaultTokenBytes) {
		return nil, refuse(TooLarge)
	}
	first := strings.IndexByte(token, '.')
	if first < 0 {
		return nil, refuse(Opaque)
	}
	second := first + 1 + strings.IndexByte(token[first+1:], '.')
	if second == first {
		return nil, refuse(Malformed)
	}
	if more := strings.Count(token[second+1:], "."); more > 0 {
		if more == 2 {
			return nil, refuse(Encrypted)
		}
		return nil, refuse(Malformed)
	}
	// One buffer for all three, since they live and die together.
	buf := make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(token)))
	m := &Message{signed: token[:second]}
	if m.header, m.recalled = recall(token[:first]); !m.recalled {
		var err error
		if buf, err = m.readHeader(buf, token[:first], lim); err != nil {
			return nil, err
		}
	}
	var ok2, ok3 bool
	m.payload, buf, ok2 = decode(buf, token[first+1:second])
	m.signature, _, ok3 = decode(buf, token[second+1:])
	if !ok2 || !ok3 {
		return nil, refuse(Malformed)
	}
	return m, nil
}

// readHeader decodes and parses a header, and returns the grown buffer.
func (m *Message) readHeader(buf []byte, segment string, lim Limits) ([]byte, error) {
	head, buf, ok := decode(buf, segment)
	switch {
	case !ok:
		return nil, refuse(Malformed)
	case len(head) > orDefault(lim.HeaderBytes, defaultHeaderBytes):
		return nil, refuse(TooLarge)
	}
	return buf, m.header.parse(head, lim)
}

// strict refuses trailing bits that are not zero (RFC 4648 §3.5).
var strict = base64.RawURLEncoding.Strict()

// decode appends a segment's bytes to buf, which has room for them, and returns the bytes
// and the grown buffer.
func decode(buf []byte, segment string) (decoded, grown []byte, ok bool) {
	n := base64.RawURLEncoding.DecodedLen(len(segment))
	// encoding/base64 skips line breaks. They cannot hide from these two conditions: a
	// skipped byte makes the result shorter than the segment's length demands, or leaves
	// a length that no base64 has.
	if len(segment) == 0 || len(segment)%4 == 1 {
		return nil, buf, false
	}
	grown, err := strict.AppendDecode(buf, []byte(segment))
	if err != nil || len(grown)-len(buf) != n {
		return nil, buf, false
	}
	return grown[len(buf):len(grown):len(grown)], grown, true
}

func orDefault(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}
