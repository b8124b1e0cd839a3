package jws

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// header is what of a protected header (RFC 7515 §4) takes part in verification.
type header struct {
	scheme *scheme
	keyID  string
	typ    string
	jwk    []byte

	members int // still allowed
	proof   bool
}

// parse reads a header: a strict JSON object of few members, without nesting.
func (h *header) parse(raw []byte, lim Limits) error {
	h.members, h.proof = orDefault(lim.Members, defaultMembers), lim.Proof
	if err := strictjson.Read(raw, h); err != nil {
		if errors.Is(err, strictjson.ErrSyntax) || errors.Is(err, strictjson.ErrLimit) {
			return refuse(Malformed)
		}
		return err
	}
	if h.scheme == nil {
		return refuse(Malformed) // alg is required, RFC 7515 §4.1.1
	}
	return nil
}

// Member takes one header parameter.
func (h *header) Member(name []byte, value jsontext.Value, _ int) error {
	if h.members--; h.members < 0 {
		return refuse(TooLarge)
	}
	return h.take(memberOf(name), value)
}

// member is a header parameter that is not simply ignored.
type member uint8

const (
	memberOther member = iota
	memberAlgorithm
	memberKeyID
	memberType
	memberContentType
	memberJWK
	memberForbidden
)

func memberOf(name []byte) member {
	switch string(name) {
	case "alg":
		return memberAlgorithm
	case "kid":
		return memberKeyID
	case "typ":
		return memberType
	case "cty":
		return memberContentType
	case "jwk":
		return memberJWK
	case "crit", "b64", // RFC 7515 §4.1.11, RFC 7797 §7: no extension is understood here
		"jku", "x5u", "x5c", // key material from the sender, RFC 8725 §3.10
		"zip", "enc", "epk", "p2c", "p2s", "apu", "apv", "iv", "tag": // of encrypted tokens
		return memberForbidden
	default:
		return memberOther
	}
}

func (h *header) take(m member, value jsontext.Value) error {
	switch m {
	case memberJWK:
		if !h.proof {
			return refuse(Forbidden)
		}
		h.jwk = bytes.Clone(value)
		return nil
	case memberForbidden:
		return refuse(Forbidden)
	case memberOther:
		if k := value.Kind(); k == '{' || k == '[' {
			return refuse(Malformed)
		}
		return nil
	}
	text, ok := text(value)
	if !ok {
		return refuse(Malformed)
	}
	switch m {
	case memberAlgorithm:
		if h.scheme = schemeOf(Algorithm(text)); h.scheme == nil {
			return refuse(BadAlgorithm)
		}
	case memberKeyID:
		if !printable(text) {
			return refuse(KeyID)
		}
		h.keyID = string(text)
	case memberType:
		h.typ = string(text)
	case memberContentType:
		if bytes.EqualFold(text, []byte("JWT")) || bytes.EqualFold(text, []byte("application/jwt")) {
			return refuse(Type) // nested, RFC 7519 §5.2
		}
	}
	return nil
}

// text returns the value of a JSON string; it may refer to value.
func text(value jsontext.Value) ([]byte, bool) {
	if value.Kind() != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	b, err := jsontext.AppendUnquote(nil, value)
	return b, err == nil
}

// printable keeps key ids fit for logs, maps and comparisons.
func printable(kid []byte) bool {
	if len(kid) > maxKeyIDBytes {
		return false
	}
	for _, c := range kid {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
