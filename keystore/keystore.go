package keystore

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// ID names one key set: an issuer and where its keys are said to be. It is comparable, and two
// that differ in any byte of either part name two key sets.
type ID struct {
	// Issuer is the exact iss.
	Issuer string
	// JWKSURL is the address as configured, or "" if it is found by discovery; never the
	// address that discovery found.
	JWKSURL string
}

// Version names what is stored under an ID. It is opaque and comparable; "" means that
// nothing is stored. It changes with every save of another record, and no two different
// records under one ID ever share one, even if something was forgotten in between.
type Version string

// Record is one answer of an issuer and what operators decided about it. It is immutable
// once handed over, to a store or by one: whoever wants another makes a copy. Every time in
// it is a wall clock's, kept to the nanosecond; the zero time means never. Nil and empty
// slices mean the same.
type Record struct {
	ID ID
	// Document is the JWK Set (RFC 7517 §5) exactly as the issuer sent it. It is empty in
	// a record that carries nothing but denials.
	Document []byte
	// ResolvedURL is where Document was fetched, and DiscoveredAt when the issuer's
	// metadata named it; zero if it was configured.
	ResolvedURL  string
	DiscoveredAt time.Time
	// FetchedAt is when the fetch of Document began, or the one that last confirmed it.
	FetchedAt time.Time
	// FreshFor and UsableFor count from FetchedAt: how long nobody needs to ask again, and
	// how long Document may be used if nobody can.
	FreshFor, UsableFor time.Duration
	// ETag and LastModified are the validators of Document (RFC 9110 §8.8).
	ETag, LastModified string
	// Denied are kids and RFC 7638 thumbprints that are never accepted, sorted.
	Denied []string
	// Epoch counts the purges of this key set; DocumentEpoch is the epoch before Document
	// was fetched. If it is the lesser, the issuer has yet to confirm Document.
	Epoch, DocumentEpoch uint64
	// Suspect is the SHA-256 of a suspicious answer, one without usable keys, which was
	// first seen at SuspectSince; zero if there is none.
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

// KeyStore keeps one record for each ID. Every implementation
//
//   - is safe for concurrent use;
//   - tells all IDs apart, whatever bytes they hold: it folds, cuts and joins nothing;
//   - returns a record as it was saved, with a document of any bytes and at least 1 MiB;
//   - owns what it keeps: changing a record that was saved or loaded changes nothing stored;
//   - does nothing if ctx has ended before the call, and returns soon if it ends during it,
//     with an error that wraps that of ctx;
//   - answers ErrUnavailable, never ErrNotFound, if its back end cannot tell;
//   - leaves no goroutine behind when its owner has closed it;
//   - only stores: it never fetches, and does not judge what is fresh or usable.
type KeyStore interface {
	// Load returns the record under id and its version. The errors are ErrNotFound, with no
	// version; ErrUnusable, with the version of what must not be used; ErrUnavailable; and
	// that of ctx. With any error the record is nil.
	Load(ctx context.Context, id ID) (*Record, Version, error)
	// Save stores rec under id if what is stored there still is base, and returns the new
	// version. An empty base means nothing: then Save only creates. Else it changes nothing
	// and returns ErrConflict, which is also the answer if the store has forgotten base:
	// load again, and save over what that returned. The other errors are ErrUnavailable,
	// after which rec may or may not be stored, and that of ctx. A nil rec is an error.
	Save(ctx context.Context, id ID, rec *Record, base Version) (Version, error)
}

// Coordinator is implemented by stores that several processes share. What it says is
// advice, never a lock that anyone waits on. Implementations are safe for concurrent use and
// heed ctx as a [KeyStore] does.
type Coordinator interface {
	// TryLease claims the next attempt at the issuer. It never waits. The Lease is nil if
	// somebody holds it already, and Hold says who; else Hold is zero. The error is
	// ErrUnavailable or that of ctx.
	TryLease(ctx context.Context, id ID) (Lease, Hold, error)
	// Watch calls on for every change, one call at a time, and returns when ctx ends, with
	// an error that wraps that of ctx. After an interruption it calls on with Gap set.
	Watch(ctx context.Context, on func(Event)) error
}

// Lease is the claim on one attempt. It ends by itself soon after an attempt may last, and
// ending it later than that does not disturb whoever holds it by then.
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
	// Outcome is that of the attempt before the cool-down; zero while Fetching.
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
	// Gap says that changes may have been missed: under ID or, if that is zero, any.
	Gap bool
}

// Replay remembers what has been used. Implementations must be safe for concurrent use.
type Replay interface {
	// Once returns true for the first use of key within ttl, and false for every other;
	// once ttl has passed, the next use is a first one. Keys are told apart by every byte.
	// It never forgets early: if it cannot tell or cannot remember, it returns
	// ErrUnavailable. If ctx has ended, it returns an error that wraps that of ctx and uses
	// nothing up. Whatever the error, first is false.
	Once(ctx context.Context, key string, ttl time.Duration) (first bool, err error)
}

// Clone returns a copy that shares no memory with r, for stores that keep records in
// memory. Clone of nil is nil.
func (r *Record) Clone() *Record {
	if r == nil {
		return nil
	}
	c := *r
	c.Document = bytes.Clone(r.Document)
	c.Denied = slices.Clone(r.Denied)
	return &c
}
