package jws

import "errors"

// ErrSignature means that the signature is not the key's over this message.
var ErrSignature = errors.New("jws: the signature does not hold")

// Code says what is wrong with a token.
type Code uint8

// The codes.
const (
	// TooLarge: the token or its header exceeds [Limits].
	TooLarge Code = iota + 1
	// Malformed: not a strict compact JWS.
	Malformed
	// Opaque: a string without any dot.
	Opaque
	// Encrypted: five segments, a JWE.
	Encrypted
	// BadAlgorithm: alg names none of [Algorithms].
	BadAlgorithm
	// Forbidden: the header has a member that is refused.
	Forbidden
	// KeyID: kid is longer than 256 bytes or not printable ASCII.
	KeyID
	// Type: typ or cty says that this is not a plain token.
	Type
	// KeyUnfit: the key is not for the algorithm.
	KeyUnfit
	codeEnd
)

// Codes returns all codes.
func Codes() []Code {
	all := make([]Code, 0, codeEnd-1)
	for c := TooLarge; c < codeEnd; c++ {
		all = append(all, c)
	}
	return all
}

// Error is what [Parse] returns. It holds nothing of the token.
type Error struct{ Code Code }

func (e *Error) Error() string {
	switch e.Code {
	case TooLarge:
		return "jws: too large"
	case Malformed:
		return "jws: malformed"
	case Opaque:
		return "jws: not a JWS"
	case Encrypted:
		return "jws: encrypted"
	case BadAlgorithm:
		return "jws: algorithm not accepted"
	case Forbidden:
		return "jws: header member not accepted"
	case KeyID:
		return "jws: key id not acceptable"
	case Type:
		return "jws: type not acceptable"
	case KeyUnfit:
		return "jws: key does not fit the algorithm"
	default:
		return "jws: refused"
	}
}

// refusals are read-only, so that a refusal costs no allocation.
var refusals = func() (all [codeEnd]*Error) {
	for c := range codeEnd {
		all[c] = &Error{Code: c}
	}
	return all
}()

func refuse(c Code) error { return refusals[c] }
