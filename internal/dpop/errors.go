package dpop

// Code says what is wrong with a proof.
type Code uint8

// The codes, in the order of the checks.
const (
	// Malformed: not a strict compact JWS of the form of RFC 9449 §4.2.
	Malformed Code = iota + 1
	// Algorithm: alg is not accepted.
	Algorithm
	// Key: jwk is absent, private, symmetric, weak, or not for alg.
	Key
	// Method: htm is not the method of the request.
	Method
	// URI: htu is not the URI of the request.
	URI
	// Token: ath is not the hash of the access token.
	Token
	// Nonce: nonce is absent, not ours or no longer valid.
	Nonce
	// Time: iat is too far from now.
	Time
	// Signature: the signature is not that of jwk.
	Signature
	codeEnd
)

// Codes returns all codes.
func Codes() []Code {
	all := make([]Code, 0, codeEnd-1)
	for c := Malformed; c < codeEnd; c++ {
		all = append(all, c)
	}
	return all
}

// Error is what [Verify] returns. It holds nothing of the proof.
type Error struct{ Code Code }

func (e *Error) Error() string {
	switch e.Code {
	case Malformed:
		return "dpop: malformed proof"
	case Algorithm:
		return "dpop: algorithm not accepted"
	case Key:
		return "dpop: key not accepted"
	case Method:
		return "dpop: another method"
	case URI:
		return "dpop: another URI"
	case Token:
		return "dpop: another access token"
	case Nonce:
		return "dpop: no current nonce"
	case Time:
		return "dpop: too old or from the future"
	case Signature:
		return "dpop: the signature does not hold"
	default:
		return "dpop: refused"
	}
}

func refuse(c Code) error { return &Error{c} }
