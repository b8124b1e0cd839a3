package keyring

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
)

// Source holds the keys of one issuer. Its methods are safe for concurrent use.
type Source struct {
	id     keystore.ID
	ring   *Ring
	fetch  Fetcher // nil for static keys
	denied []string
	tenant bool // may be dropped; set before others see the source
	owner  Owner
	tell   *telemetry.Keys

	snap atomic.Pointer[snapshot]
	// What follows lets verification pass by without the lock. The numbers are offsets of
	// Ring.since.
	busy       atomic.Bool
	quietUntil atomic.Int64 // the gate
	pollAt     atomic.Int64
	lastTried  atomic.Int64
	lastUsed   atomic.Int64

	// mu guards what follows. It is never held during I/O.
	mu       sync.Mutex
	gate     gate
	denials  denials
	standby  parsed            // an older record, for when the issuer does not answer
	answered time.Time         // when the fetch of the newest answer began
	looked   time.Time         // when the last look ended
	turn     chan struct{}     // closed and replaced whenever waiters should look again
	refresh  trace.SpanContext // of the look under way, or of the last
	waiters  int
	problem  problem
	forced   bool // the next look passes the cool-down of the fleet
	missed   bool // the store may have changed during the look

	// What follows belongs to the one goroutine of the source.
	cause           telemetry.Cause // of the look under way
	trouble         string          // what its attempt ran into, see troubleOf
	unconditionalAt time.Time
	abstainUntil    time.Time // no claim before: an attempt of this process failed
	heldUntil       time.Time // until when others may be said to be fetching
	redrawn         time.Time // receivedAt of the snapshot whose refresh was put off
	aloneAt         time.Time // when the store could not be read in the last look; zero if it could

	telling sync.Mutex // one event at a time
	told    told
}

// Owner is what a caller keeps with a source, so that a tenant is found with one look-up.
type Owner any

// Own sets the owner, before anybody else sees the source.
func (s *Source) Own(o Owner) { s.owner = o }

// Owner returns what [Source.Own] set, or nil.
func (s *Source) Owner() Owner { return s.owner }

// gate is what every trigger has to pass before the issuer is asked.
type gate struct {
	until   time.Time
	outcome keystore.Outcome
}

func (g gate) left(now time.Time) time.Duration { return max(g.until.Sub(now), 0) }

func newSource(r *Ring, id keystore.ID, f Fetcher, denied []string) *Source {
	s := &Source{id: id, ring: r, fetch: f, denied: denied, tell: r.tell.Keys(id.Issuer), turn: make(chan struct{})}
	s.pollAt.Store(math.MaxInt64)
	s.used(time.Now())
	return s
}

// Key returns the key for alg and kid ("" if the token names none) of a token that arrived just
// now, and whether it had to wait, or an [*Error]. promising says whether a token with this key could be valid at all:
// if not, no key is looked for on its behalf.
//
// A known key of a usable snapshot comes from one atomic load; the one exception is the
// first use after a long idle time, which waits at most StaleWait for newer keys.
func (s *Source) Key(
	ctx context.Context, arrived time.Time, alg jws.Algorithm, kid string, promising bool,
) (*jws.Key, bool, error) {
	s.used(arrived)
	snap := s.snap.Load()
	waited := false
	switch {
	case !snap.usable(arrived):
		// The first keys are needed anyway, and who sends the first token should learn
		// what is wrong with it.
		asked := kid
		if !promising {
			asked = ""
		}
		if err := s.cold(ctx, asked); err != nil {
			return nil, true, err
		}
		snap, waited = s.snap.Load(), true
	case snap.due(arrived):
		if s.idle(arrived) && promising {
			s.awake(ctx, arrived)
			snap, waited = s.snap.Load(), true
		} else {
			s.nudge(arrived)
		}
	default:
		s.poll(arrived)
	}
	key, code := snap.find(alg, kid)
	if key != nil {
		return key, waited, nil
	}
	if code != Unknown || kid == "" || !promising || s.fetch == nil {
		if code == Unknown && kid != "" && !promising && s.fetch != nil {
			s.tell.Decided(ctx, telemetry.Unpromising)
		}
		return nil, waited, &Error{Code: code}
	}
	key, err := s.unknown(ctx, arrived, alg, kid)
	return key, true, err
}

// nudge starts the refresh of due keys in the background, if nothing forbids it.
func (s *Source) nudge(now time.Time) {
	if s.busy.Load() {
		return
	}
	if s.ring.since(now) < s.quietUntil.Load() {
		s.poll(now) // others may have what this process may not ask for
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start(now, "")
}

// idle tells whether nobody has looked for newer keys for so long that the process must
// have been asleep.
func (s *Source) idle(now time.Time) bool {
	if s.busy.Load() { // before lastTried is read: a look that ends now has noted itself there
		return false
	}
	quiet := time.Duration(s.ring.since(now) - s.lastTried.Load())
	return quiet > time.Duration(idleFactor*float64(s.ring.cfg.RefreshInterval))
}

// start starts a look unless one is under way, the gate is shut, or the ring is closed.
// asked is the kid that somebody waits for, or "". The caller holds mu.
func (s *Source) start(now time.Time, asked string) {
	if s.fetch == nil || s.busy.Load() || s.gate.left(now) > 0 {
		return
	}
	s.spawn(func() { s.run(asked) })
}

// spawn runs f on the one goroutine of the source. The caller holds mu and found it not
// busy; f ends with done.
func (s *Source) spawn(f func()) {
	s.busy.Store(true)
	s.refresh = trace.SpanContext{}
	s.ring.watch()
	if !s.ring.spawn(f) {
		s.busy.Store(false)
	}
}

// run is one look, from the store to the gate that it leaves behind.
func (s *Source) run(asked string) {
	s.mu.Lock()
	epoch := s.denials.epoch
	s.mu.Unlock()
	outcome, cooldown := s.traced(s.ring.ctx, asked)
	s.report()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if outcome != keystore.Failed && s.denials.epoch > epoch && !s.snap.Load().usable(now) {
		cooldown = 0 // what was asked before a purge confirms nothing, and does not hold up who asks after it
	}
	s.shut(gate{until: now.Add(cooldown), outcome: outcome})
	s.looked = now
	s.done(now)
}

// done ends the run of the one goroutine. The caller holds mu.
func (s *Source) done(now time.Time) {
	s.lastTried.Store(s.ring.since(now))
	s.schedulePoll(now)
	if s.missed {
		s.missed = false
		s.pollAt.Store(s.ring.since(now))
	}
	s.busy.Store(false)
	s.wake()
}

// shut sets the gate. The caller holds mu.
func (s *Source) shut(g gate) {
	s.gate = g
	s.quietUntil.Store(s.ring.since(g.until))
}

// wake lets all waiters look again. The caller holds mu.
func (s *Source) wake() {
	close(s.turn)
	s.turn = make(chan struct{})
}
