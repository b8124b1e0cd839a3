package chaos

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Never is a time that does not come.
const Never = time.Duration(math.MaxInt64)

// Kind is how a token was made.
type Kind uint8

// The kinds of tokens. Whether a good one has to be accepted depends on its key and the time.
const (
	Good          Kind = iota // signed with a key of the issuer, all claims in order
	Forged                    // names a key of the issuer, which has not signed it
	Expired                   // ended an hour ago
	OtherAudience             // meant for another API
	MadeUp                    // good claims under a kid that nobody has
	kinds
)

// Entry is one token that was sent, and what was answered. Times count from the beginning.
type Entry struct {
	Kind     Kind
	Key      string // the kid; "" for a made-up one
	Process  int    // the number of the process in the ledger
	Sent     time.Duration
	Answered time.Duration
	Status   int // of HTTP; 0 for no answer
}

// Key is a key of the issuer. What has not happened is [Never].
type Key struct {
	ID, Algorithm        string
	Published, Withdrawn time.Duration
	// A revocation begins when the operator asks for it and holds when that has returned.
	Revoking, Revoked time.Duration
}

// Process is one life of a replica.
type Process struct {
	Slot                  int // its place in the fleet
	Started, Ready, Ended time.Duration
}

// Trouble is what an event takes away, as far as others have to bear it.
type Trouble uint8

// Troubles can be combined.
const (
	IssuerTrouble Trouble = 1 << iota // no answers that anybody should believe
	StoreTrouble                      // no reading or no writing, or others write
	DataLoss                          // what was stored is gone, or older
	ClockTrouble                      // a replica's clock is wrong by more than two minutes
)

// Event is something that was done to the fleet.
type Event struct {
	Lane, Name string
	Begin, End time.Duration
	Over       time.Duration // until when it may be felt, at least End
	Trouble    Trouble
	Note       string
}

// Fetch is one request for the key set.
type Fetch struct {
	At     time.Duration
	Failed bool // answered with anything but keys
}

// Ledger is everything that was done and answered. Its methods may be called concurrently; its
// fields are read when all is over.
type Ledger struct {
	Seed      uint64
	Replicas  int
	Interval  time.Duration // the refresh interval of the replicas
	Length    time.Duration
	Entries   []Entry
	Keys      []*Key
	Processes []*Process
	Events    []*Event
	Fetches   []Fetch

	began time.Time
	mu    sync.Mutex
}

// now is the time since the beginning.
func (l *Ledger) now() time.Duration { return time.Since(l.began) }

func (l *Ledger) add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Entries = append(l.Entries, e)
}

func (l *Ledger) fetched(failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Fetches = append(l.Fetches, Fetch{At: l.now(), Failed: failed})
}

// published notes a key that the issuer has from now on.
func (l *Ledger) published(id, algorithm string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Keys = append(l.Keys, &Key{ID: id, Algorithm: algorithm, Published: l.now(), Withdrawn: Never, Revoking: Never, Revoked: Never})
}

// set changes a fact under the lock.
func (l *Ledger) set(fact *time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*fact = l.now()
}

func (l *Ledger) started(slot int) (number int, p *Process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p = &Process{Slot: slot, Started: l.now(), Ready: Never, Ended: Never}
	l.Processes = append(l.Processes, p)
	return len(l.Processes) - 1, p
}

// begin notes an event; the caller ends it with end.
func (l *Ledger) begin(lane, name string, t Trouble) *Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &Event{Lane: lane, Name: name, Begin: l.now(), End: Never, Over: Never, Trouble: t}
	l.Events = append(l.Events, e)
	return e
}

func (l *Ledger) end(e *Event, felt time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.End = l.now()
	e.Over = e.End + felt
}

func (l *Ledger) key(id string) *Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.Keys, func(k *Key) bool { return k.ID == id })
	if i < 0 {
		return nil
	}
	return l.Keys[i]
}

func (l *Ledger) withdrawnAt(id string) time.Duration {
	k := l.key(id)
	l.mu.Lock()
	defer l.mu.Unlock()
	return k.Withdrawn
}
