package sealed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

const (
	// callsInFlight bounds what a back end that hangs can hold of this process.
	callsInFlight = 4
	// usesInFlight is the same for Once, which requests wait for.
	usesInFlight = 64
	// openAfter failures in a row, calls fail at once: for openMin, and twice as long after
	// each further failure, up to openMax.
	openAfter        = 3
	openMin, openMax = 250 * time.Millisecond, 5 * time.Second
)

var (
	errFull    = fmt.Errorf("too many calls under way: %w", keystore.ErrUnavailable)
	errOpen    = fmt.Errorf("the back end has failed repeatedly and is given a rest: %w", keystore.ErrUnavailable)
	errTimeout = errors.New("no answer in time")
	errEnded   = errors.New("the call ended without an answer")
)

// guard bounds how long a call may take, how many are under way, and how often a back end that
// does not work is called.
type guard struct {
	timeout time.Duration
	slots   chan struct{}

	mu       sync.Mutex
	failures int
	rest     time.Duration
	until    time.Time // with openAfter failures or more: no call before
	probing  bool
}

func newGuard(timeout time.Duration, inFlight int) *guard {
	return &guard{timeout: timeout, slots: make(chan struct{}, inFlight)}
}

// call runs f on a goroutine of its own and leaves it behind if it takes too long: clients
// overrun the deadlines they are given. A call left behind keeps its slot until it returns.
// Waiting for a slot and the call itself share one timeout. The errors of a Backend that say
// something about what is stored come back as they are.
func call[T any](ctx context.Context, g *guard, what string, f func(context.Context) (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, fmt.Errorf("sealed: %s: %w", what, err)
	}
	inner, cancel := context.WithTimeout(ctx, g.timeout)
	turn, err := g.enter(inner)
	if err != nil {
		cancel()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return zero, fmt.Errorf("sealed: %s: %w", what, err)
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errEnded}
		// The slot is free before the caller goes on, who may want it for the next call.
		defer func() { <-g.slots; done <- r; cancel() }()
		r.value, r.err = f(inner)
	}()
	var r result
	select {
	case r = <-done:
	case <-inner.Done():
		select {
		case r = <-done: // both were ready
		default:
			r.err = errTimeout
		}
	}
	now := time.Now()
	callerLeft := r.err != nil && ctx.Err() != nil // which says nothing about the back end
	end, _ := inner.Deadline()
	hurried := turn.waited && !now.Before(end) // nor does a call that had less than its time
	g.leave(r.err, turn.probe, callerLeft || hurried, now)
	switch {
	case r.err == nil, aboutContent(r.err):
		return r.value, r.err
	case callerLeft:
		return zero, fmt.Errorf("sealed: %s: %w", what, ctx.Err())
	default:
		return zero, fmt.Errorf("sealed: %s: %w: %w", what, keystore.ErrUnavailable, r.err)
	}
}

// aboutContent tells whether an error is an answer.
func aboutContent(err error) bool {
	return errors.Is(err, keystore.ErrNotFound) || errors.Is(err, keystore.ErrConflict) || errors.Is(err, keystore.ErrUnusable)
}

// turn is the right to one call.
type turn struct {
	probe  bool // the call finds out whether the back end works again
	waited bool // others had all the slots
}

// enter takes a slot, waiting for one until ctx ends, or says why there is none. While the
// back end is given a rest nobody waits.
func (g *guard) enter(ctx context.Context) (turn, error) {
	t, err := g.tryEnter(time.Now())
	if !errors.Is(err, errFull) || g.resting() {
		return t, err
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return turn{}, errFull // says nothing about the back end
	}
	if g.resting() { // since it began to wait
		<-g.slots
		return turn{}, errOpen
	}
	return turn{waited: true}, nil
}

func (g *guard) tryEnter(now time.Time) (turn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := g.failures >= openAfter
	if open && (g.probing || now.Before(g.until)) {
		return turn{}, errOpen
	}
	select {
	case g.slots <- struct{}{}:
	default:
		return turn{}, errFull
	}
	g.probing = open
	return turn{probe: open}, nil
}

// leave counts what became of a call, unless that says nothing about the back end.
func (g *guard) leave(err error, probe, neutral bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	switch {
	case err == nil, aboutContent(err), errors.Is(err, ErrRefused):
		g.failures, g.rest = 0, 0
	case neutral:
	default:
		g.failures++
		if g.failures >= openAfter && !now.Before(g.until) { // calls that fail together count once
			g.rest = min(max(2*g.rest, openMin), openMax)
			g.until = now.Add(g.rest - g.rest/5 + rand.N(2*g.rest/5))
		}
	}
}

// resting tells whether the back end is given a rest.
func (g *guard) resting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failures >= openAfter
}
