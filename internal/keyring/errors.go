package keyring

import "time"

// Code says why there is no key.
type Code uint8

// The codes.
const (
	// Unknown means that the issuer was asked and does not publish the key, or that
	// nothing can be gained from asking.
	Unknown Code = iota + 1
	// Unusable means that a key of this id is published but must not verify this.
	Unusable
	// Ambiguous means that several keys fit.
	Ambiguous
	// Denied means that the key is on the deny list.
	Denied
	// Unavailable means that there are no keys, or only ones too old.
	Unavailable
	// Undecided means that the key is not there and the issuer cannot be asked now.
	Undecided
	// Busy means that too many wait already.
	Busy
	// Canceled means that the caller's context ended.
	Canceled
	// Closed means that the ring is closed.
	Closed
	codeEnd
)

// Codes returns all codes.
func Codes() []Code {
	all := make([]Code, 0, codeEnd-1)
	for c := Unknown; c < codeEnd; c++ {
		all = append(all, c)
	}
	return all
}

func (c Code) String() string {
	switch c {
	case Unknown:
		return "unknown key"
	case Unusable:
		return "unusable key"
	case Ambiguous:
		return "ambiguous key"
	case Denied:
		return "denied key"
	case Unavailable:
		return "keys unavailable"
	case Undecided:
		return "key undecided"
	case Busy:
		return "too many waiters"
	case Canceled:
		return "canceled"
	case Closed:
		return "closed"
	default:
		return "no code"
	}
}

// Error is what [Source.Key] returns.
type Error struct {
	Code Code
	// RetryAfter is when asking again makes sense; with Unavailable, Undecided, Busy.
	RetryAfter time.Duration
	// Err is what lies behind it, or nil.
	Err error
}

func (e *Error) Error() string { return "keyring: " + e.Code.String() }
func (e *Error) Unwrap() error { return e.Err }
