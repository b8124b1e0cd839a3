package jws

import "strings"

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
	m := new(Message)
	if err := m.parse(token, lim, nil); err != nil {
		return nil, err
	}
	return m, nil
}

// parse reads a token, but not its header if known has it.
func (m *Message) parse(token string, lim Limits, known *Headers) error {
	if len(token) > orDefault(lim.TokenBytes, defaultTokenBytes) {
		return refuse(TooLarge)
	}
	first := strings.IndexByte(token, '.')
	if first < 0 {
		return refuse(Opaque)
	}
	second := first + 1 + strings.IndexByte(token[first+1:], '.')
	if second == first {
		return refuse(Malformed)
	}
	if more := strings.Count(token[second+1:], "."); more > 0 {
		if more == 2 {
			return refuse(Encrypted)
		}
		return refuse(Malformed)
	}
	m.signed = token[:second]
	if m.header, m.recalled = known.recall(token[:first]); !m.recalled {
		if err := m.readHeader(token[:first], lim); err != nil {
			return err
		}
	}
	// One buffer for both, since they live and die together.
	buf := make([]byte, 0, room(len(token)-first))
	var ok2, ok3 bool
	m.payload, buf, ok2 = decode(buf, token[first+1:second])
	m.signature, _, ok3 = decode(buf, token[second+1:])
	if !ok2 || !ok3 {
		return refuse(Malformed)
	}
	return nil
}

// readHeader decodes and parses a header, unless its length alone is too much.
func (m *Message) readHeader(segment string, lim Limits) error {
	if len(segment)*3/4 > orDefault(lim.HeaderBytes, defaultHeaderBytes) {
		return refuse(TooLarge)
	}
	head, _, ok := decode(make([]byte, 0, room(len(segment))), segment)
	if !ok {
		return refuse(Malformed)
	}
	h := new(header) // apart, so that a message need not be where a visitor may keep it
	err := h.parse(head, lim)
	m.header = *h
	return err
}

func orDefault(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}
