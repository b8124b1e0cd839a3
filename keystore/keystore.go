package keystore

import (
	"context"
	"errors"
	"time"
)

// ID names one key set: an issuer and where its keys are said to be. It is comparable.
type ID struct {
	// Issuer is the exact iss.
	Issuer string
	// JWKSURL is the address as configured, or "" if it is found by discovery.
	JWKSURL string
}

// Version names what is stored under an ID. It is opaque and comparable; "" means that
// nothing is stored. It changes with every save.
type Version string

// Record is one answer of an issuer and what operators decided about it. It is immutable
// once handed over, to a store or by one. Every time in it is a wall clock's.
type Record struct {
	ID ID
	// Document is the JWK Set (RFC 7517 §5) exactly as the issuer sent it. It is empty in
	// a record that carries nothing but denials.
	Document []byte
	// ResolvedURL is where Document was fetched, and DiscoveredAt when the issuer's
	// metadata named it; zero if it was configured.
	ResolvedURL  string
	DiscoveredAt time.Time
	// FetchedAt is when the fetch of Document began, or when it was last confirmed.
	FetchedAt time.Time
	// FreshFor and UsableFor count from FetchedAt.
	FreshFor, UsableFor time.Duration
	// ETag and LastModified are the validators of Document (RFC 9110 §8.8).
	ETag, LastModified string
	// Denied are kids and RFC 7638 thumbprints that are never accepted, sorted.
	Denied []string
	// Epoch counts the purges of this key set; DocumentEpoch is the epoch before Document
	// was fetched. If it is the lesser, the issuer has yet to confirm Document.
	Epoch, DocumentEpoch uint64
	// Suspect is the SHA-256 of an answer without usable keys, seen first at SuspectSince;
	// zero if there is none.
	Suspect      [32]byte
	SuspectSince time.Time
}

// The errors of stores, to be tested with [errors.Is]. Any other error means the same as
// ErrUnavailable.
var (
	// ErrNotFound means that nothing is stored.
	ErrNotFound = errors.New("keystore: not found")
	// ErrUnusable means that something is stored which must not be used. It comes with
	// the Version of that something, so that it can be saved over.
	ErrUnusable = errors.New("keystore: stored record is unusable")
	// ErrConflict means that what is stored is not what Save was told.
	ErrConflict = errors.New("keystore: conflict")
	// ErrUnavailable means that the store cannot tell.
	ErrUnavailable = errors.New("keystore: unavailable")
)

// KeyStore keeps records. Implementations must be safe for concurrent use, must tell all IDs
// apart, must not let anyone who changes what was saved or loaded change what is stored, and
// must return soon when ctx ends, with an error that wraps that of ctx.
type KeyStore interface {
	// Load returns the record and its version, or ErrNotFound with no version, or
	// ErrUnusable with one, or another error.
	Load(ctx context.Context, id ID) (*Record, Version, error)
	// Save stores rec if what is stored still is base, where "" means nothing, and returns
	// the new version; else ErrConflict. A store may forget: then what is stored is
	// nothing. A nil rec is an error.
	Save(ctx context.Context, id ID, rec *Record, base Version) (Version, error)
}

// Coordinator is implemented by stores that several processes share. What it says is
// advice, never a lock that anyone waits on.
type Coordinator interface {
	// TryLease claims the next attempt at the issuer. It never waits. The Lease is nil if
	// somebody holds it already; Hold then says who.
	TryLease(ctx context.Context, id ID) (Lease, Hold, error)
	// Watch calls on for every change, until ctx ends. It must not call on concurrently.
	Watch(ctx context.Context, on func(Event)) error
}

// Lease is the claim on one attempt. It ends by itself soon after an attempt may last.
type Lease interface {
	// End tells the outcome and keeps everybody from the next attempt for cooldown.
	End(ctx context.Context, o Outcome, cooldown time.Duration) error
}

// Outcome is what became of an attempt.
type Outcome uint8

const (
	// Useful means an answer with the key that was asked for, if any was.
	Useful Outcome = iota + 1
	// Absent means an answer without the key that was asked for.
	Absent
	// Failed means no answer, or none to be believed.
	Failed
	// Abandoned means that the attempt was broken off; it counts as none.
	Abandoned
)

// String returns the outcome's name in lower case.
func (o Outcome) String() string {
	switch o {
	case Useful:
		return "useful"
	case Absent:
		return "absent"
	case Failed:
		return "failed"
	case Abandoned:
		return "abandoned"
	default:
		return "none"
	}
}

// Hold says who holds the lease.
type Hold struct {
	// Fetching says that an attempt is under way; else it is the cool-down after one.
	Fetching bool
	// Outcome is that of the attempt before the cool-down.
	Outcome Outcome
	// Left is how long the lease holds.
	Left time.Duration
}

// Event is a change in a store.
type Event struct {
	ID ID
	// Record is what is stored now; nil means that it has to be loaded.
	Record  *Record
	Version Version
	// Gap says that changes may have been missed.
	Gap bool
}

// Replay remembers what has been used. Implementations must be safe for concurrent use.
type Replay interface {
	// Once returns true for the first use of key within ttl, and false for every other.
	// It never forgets early: if it cannot tell or cannot remember, it returns an error.
	Once(ctx context.Context, key string, ttl time.Duration) (first bool, err error)
}

// Clone returns a copy that shares no memory with r, for stores that keep records in
// memory. Clone of nil is nil.
func (r *Record) Clone() *Record {
	if r == nil {
		return nil
	}
	c := *r
	c.Document = append([]byte(nil), r.Document...)
	c.Denied = append([]string(nil), r.Denied...)
	return &c
}
