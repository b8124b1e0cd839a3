package keystoretest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// coordinator is a handle on a right store of several processes, with switches that make it
// wrong.
type coordinator struct {
	*store
	*shared
	claimWrong
	watchWrong
}

type claimWrong struct {
	racy, silent, leftZero, neverCools, coolsForever, coolsHalf, coolsFetching   bool
	forgetsOutcome, abandonedCools, livesForever, livesLong, endsAny, isOfIssuer bool
	ignoreCtx, lateCtx, endIgnoresCtx, grantTold                                 bool
}

type watchWrong struct {
	endsWell, neverEnds, tellsAfter, noGap, noEvents, otherID, otherRecord, otherVersion bool
	overlaps, leaks                                                                      bool
}

// shared is what the handles have in common.
type shared struct {
	mu       sync.Mutex
	leases   map[keystore.ID]held
	watchers map[chan keystore.Event]bool
	over     <-chan struct{} // the end of the test
}

type held struct {
	by      *coordinatorLease
	outcome keystore.Outcome
	until   time.Time
}

func newCoordinators(wrong func(*coordinator), over <-chan struct{}) pairOf {
	return func(testing.TB) (one, other Coordinated) {
		hub := &shared{leases: map[keystore.ID]held{}, watchers: map[chan keystore.Event]bool{}, over: over}
		c := &coordinator{store: newStore(nil), shared: hub}
		wrong(c)
		return c, &coordinator{c.store.fresh(), hub, c.claimWrong, c.watchWrong}
	}
}

type coordinatorLease struct {
	c  *coordinator
	id keystore.ID
}

func (c *coordinator) TryLease(ctx context.Context, id keystore.ID) (keystore.Lease, keystore.Hold, error) {
	if err := ctx.Err(); err != nil && !c.claimWrong.ignoreCtx && !c.claimWrong.lateCtx {
		return nil, keystore.Hold{}, err
	}
	if c.isOfIssuer {
		id.JWKSURL = ""
	}
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	h, ok := c.leases[id]
	if c.claimWrong.racy { // looks, lets others in, then writes
		c.shared.mu.Unlock()
		time.Sleep(time.Millisecond)
		c.shared.mu.Lock()
	}
	if ok && h.until.After(time.Now()) {
		hold := keystore.Hold{Fetching: h.outcome == 0 || c.coolsFetching, Outcome: h.outcome, Left: time.Until(h.until)}
		switch {
		case c.silent:
			hold = keystore.Hold{}
		case c.leftZero:
			hold.Left = 0
		case c.forgetsOutcome:
			hold.Outcome = 0
		}
		return nil, hold, nil
	}
	life := longestHold
	switch {
	case c.livesForever:
		life = 1000 * time.Hour
	case c.livesLong:
		life = longestHold + 3*time.Second
	}
	l := &coordinatorLease{c, id}
	c.leases[id] = held{l, 0, time.Now().Add(life)}
	if c.claimWrong.lateCtx && ctx.Err() != nil {
		return nil, keystore.Hold{}, ctx.Err()
	}
	if c.grantTold {
		return l, keystore.Hold{Fetching: true, Left: life}, nil
	}
	return l, keystore.Hold{}, nil
}

func (l *coordinatorLease) End(ctx context.Context, o keystore.Outcome, cooldown time.Duration) error {
	if err := ctx.Err(); err != nil && !l.c.endIgnoresCtx {
		return err
	}
	l.c.shared.mu.Lock()
	defer l.c.shared.mu.Unlock()
	if o == keystore.Abandoned && !l.c.abandonedCools {
		cooldown = min(cooldown, abandonedHold)
	}
	switch {
	case l.c.neverCools:
		cooldown = 0
	case l.c.coolsForever:
		cooldown = 1000 * time.Hour
	case l.c.coolsHalf:
		cooldown /= 2
	}
	if l.c.leases[l.id].by == l || l.c.endsAny {
		l.c.leases[l.id] = held{l, o, time.Now().Add(cooldown)}
		if l.c.leases[l.id].until.Before(time.Now()) {
			delete(l.c.leases, l.id)
		}
	}
	return nil
}

func (c *coordinator) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	v, err := c.store.Save(ctx, id, rec, base)
	if err == nil {
		c.tell(id, rec, v)
	}
	return v, err
}

func (c *coordinator) tell(id keystore.ID, rec *keystore.Record, v keystore.Version) {
	e := keystore.Event{ID: id, Record: rec.Clone(), Version: v}
	switch {
	case c.noEvents:
		return
	case c.otherID:
		e.ID.Issuer += "/"
	case c.otherRecord:
		e.Record.ETag = ""
	case c.otherVersion:
		e.Version += "x"
	}
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	for events := range c.watchers {
		select {
		case events <- e:
		default:
		}
	}
}

func (c *coordinator) Watch(ctx context.Context, on func(keystore.Event)) error {
	events := make(chan keystore.Event, 1024)
	c.shared.mu.Lock()
	c.watchers[events] = true
	c.shared.mu.Unlock()
	done := ctx.Done()
	if c.watchWrong.leaks {
		go func() { <-c.over }()
	}
	if c.neverEnds {
		done = c.over
	}
	if !c.noGap {
		on(keystore.Event{Gap: true})
	}
	for {
		select {
		case e := <-events:
			if c.overlaps {
				go on(e)
			} else {
				on(e)
			}
		case <-done:
			if c.endsWell {
				return nil
			}
			if c.tellsAfter {
				time.AfterFunc(10*time.Millisecond, func() { on(keystore.Event{Gap: true}) })
			}
			return errors.Join(errors.New("watch"), ctx.Err())
		}
	}
}
