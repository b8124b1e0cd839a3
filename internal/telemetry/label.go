package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"

	"github.com/keychorus/keychorus/keystore"
)

// ScopeName is the instrumentation scope of all signals.
const ScopeName = "github.com/keychorus/keychorus/verifier"

// Dynamic is the issuer of all that are not in the policy: anyone may name those.
const Dynamic = "dynamic"

// What is told in more than one place: nobody could tell, and the caller left.
const (
	unavailable = "unavailable"
	canceled    = "canceled"
)

// The attributes. error.type is the convention's, the others are ours.
const (
	errorType    = attribute.Key("error.type")
	outcomeKey   = attribute.Key("keychorus.outcome")
	algorithmKey = attribute.Key("keychorus.algorithm")
	stateKey     = attribute.Key("keychorus.keys.state")
	cacheKey     = attribute.Key("keychorus.token_cache")
	issuerKey    = attribute.Key("keychorus.issuer")
	causeKey     = attribute.Key("keychorus.cause")
	decisionKey  = attribute.Key("keychorus.decision")
	operationKey = attribute.Key("keychorus.operation")
	statusKey    = attribute.Key("http.response.status_code")
)

// Kind is what is verified.
type Kind uint8

// The kinds.
const (
	Token    Kind = iota
	Document      // a signed one that is no token, such as the body of a webhook
	kinds
)

// Outcome is what became of a verification.
type Outcome uint8

// The outcomes. Only Unavailable and Failed are faults of ours.
const (
	Accepted    Outcome = iota
	Refused             // the fault of the token, or of who sent it
	Unavailable         // nobody could tell
	Failed              // a mistake of this program
	Canceled            // the caller left
)

func (o Outcome) String() string {
	return [...]string{"accepted", "refused", unavailable, "error", canceled}[o]
}

// ours tells whether an operator has to do something about it.
func (o Outcome) ours() bool { return o == Unavailable || o == Failed }

// KeyState is the state of the keys that a token was verified with.
type KeyState uint8

// The states, see docs/keys.md.
const (
	Fresh KeyState = iota
	Due
	Stale
	keyStates
)

func (s KeyState) String() string { return [...]string{"fresh", "due", "stale"}[s] }

// Cache is what the token cache said.
type Cache uint8

// CacheOff means that there is none. What never goes by way of it is Uncached.
const (
	CacheOff Cache = iota
	CacheMiss
	CacheHit
	Uncached
	cacheStates
)

func (c Cache) String() string { return [...]string{"off", "miss", "hit", ""}[c] }

// Cause is why keys are looked for.
type Cause uint8

// The causes.
const (
	Cold       Cause = iota // there are no usable keys
	Refresh                 // they are due
	UnknownKid              // a token names a key that is not among them
	Operator                // Warm or Purge
)

func (c Cause) String() string { return [...]string{"cold", "refresh", "unknown_kid", "operator"}[c] }

// Decision is what was decided about a kid that is not among the keys.
type Decision uint8

// The decisions.
const (
	Found       Decision = iota // the issuer publishes it by now
	Absent                      // the issuer was asked and does not
	Cooling                     // the issuer has just said so to somebody else, and was not asked
	Unpromising                 // the token could not be valid with any key
	Unfit                       // the key is published, but denied or unusable
	Undecided                   // the issuer could not be asked
	TooMany                     // too many wait already
	Left                        // the caller left
	decisions
)

func (d Decision) String() string {
	return [...]string{"found", "absent", "cooling", "unpromising", "unfit", "undecided", "busy", canceled}[d]
}

// Operation is a call of a shared store.
type Operation uint8

// The operations.
const (
	Load Operation = iota
	Save
	Lease
	End
)

func (o Operation) String() string { return [...]string{"load", "save", "lease", "end"}[o] }

// result is what became of a call of a store.
type result uint8

const (
	done result = iota
	nothing
	unusable
	conflict
	broken
	leftBehind
)

func (r result) String() string {
	return [...]string{"ok", "not_found", "unusable", "conflict", unavailable, canceled}[r]
}

func resultOf(err error) result {
	switch {
	case err == nil:
		return done
	case errors.Is(err, keystore.ErrNotFound):
		return nothing
	case errors.Is(err, keystore.ErrUnusable):
		return unusable
	case errors.Is(err, keystore.ErrConflict):
		return conflict
	case errors.Is(err, context.Canceled):
		return leftBehind
	default:
		return broken
	}
}

// claim is what became of a claim on a lease.
type claim uint8

const (
	granted claim = iota
	fetching
	cooling
	noAnswer
)

func (c claim) String() string {
	return [...]string{"granted", "fetching", "cooling", unavailable}[c]
}

func claimOf(l keystore.Lease, h keystore.Hold, err error) claim {
	switch {
	case err != nil:
		return noAnswer
	case l != nil:
		return granted
	case h.Fetching:
		return fetching
	default:
		return cooling
	}
}
