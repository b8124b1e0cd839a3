//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// The time in which a store that works again is still given a rest, and clients look for it.
const storeRest = 8 * time.Second

// A deployment waits so long for one replica to be ready before it goes on to the next.
const (
	patience = 5 * time.Second
	step     = 100 * time.Millisecond
)

// play lets the events of one lane happen.
func (st *stage) play(ctx context.Context, lane string) {
	r := rand.New(rand.NewPCG(st.Seed, 2000+uint64(len(lane))))
	for _, s := range st.Steps {
		if s.Lane != lane {
			continue
		}
		if !pause(ctx, s.At-st.ledger.now()) {
			return
		}
		e, act, felt := st.act(s, r)
		st.Log("%6.1f s  %s: %s", st.ledger.now().Seconds(), s.Lane, s.Name)
		err := act(ctx, e)
		st.ledger.end(e, felt)
		if err != nil && ctx.Err() == nil {
			st.fail(fmt.Errorf("%s: %s: %w", s.Lane, s.Name, err))
		}
	}
}

type act func(ctx context.Context, e *Event) error

// act begins an event and returns what has to be done, and how long it may be felt afterwards.
func (st *stage) act(s Step, r *rand.Rand) (*Event, act, time.Duration) {
	begin := func(t Trouble) *Event { return st.ledger.begin(s.Lane, s.Name, t) }
	switch s.Lane {
	case "keys":
		return begin(0), func(ctx context.Context, e *Event) error { return st.changeKeys(ctx, s.Name, e) }, 0
	case "issuer":
		return begin(IssuerTrouble), func(ctx context.Context, _ *Event) error {
			st.origin.set(s.Name)
			pause(ctx, s.For)
			st.origin.set("")
			return nil
		}, 0
	case "redis":
		t := map[string]Trouble{"emptied": DataLoss, "forged": StoreTrouble | DataLoss, "killed": StoreTrouble | DataLoss, "failover": StoreTrouble | DataLoss}[s.Name]
		if t == 0 {
			t = StoreTrouble
		}
		return begin(t), func(ctx context.Context, e *Event) error { return st.troubleRedis(ctx, s, e) }, storeRest
	case "callers":
		return begin(0), func(ctx context.Context, _ *Event) error {
			st.flood.Store(true)
			pause(ctx, s.For)
			st.flood.Store(false)
			return nil
		}, 0
	}
	t := Trouble(0)
	if s.Name == "clock" {
		t = ClockTrouble
	}
	return begin(t), func(ctx context.Context, e *Event) error { return st.troubleReplica(ctx, s, r, e) }, 0
}

// changeKeys does what an operator of the issuer does, or one of the fleet.
func (st *stage) changeKeys(ctx context.Context, name string, e *Event) error {
	former := st.book.sorted().former
	switch {
	case name == "withdraw" && len(former) > 0:
		st.ledger.set(&st.ledger.key(former[0]).Withdrawn)
		return st.origin.Withdraw(former[0])
	case name == "revoke" && len(former) > 0:
		return st.revoke(ctx, former[0])
	case name == "stage":
		if _, err := st.origin.Stage(); err != nil {
			return err
		}
		if !pause(ctx, st.Interval/2) {
			return nil
		}
		if _, err := st.origin.Rotate(); err != nil {
			return err
		}
	default:
		if _, err := st.origin.RotateTo(algorithms[(len(former)+st.origin.turn())%len(algorithms)]); err != nil {
			return err
		}
	}
	st.ledger.mu.Lock()
	e.Note = string(st.origin.Key().Algorithm())
	st.ledger.mu.Unlock()
	err := st.book.enter(st.origin.Key())
	pause(ctx, 2*time.Second)
	st.redis.remember(ctx)
	return err
}

// revoke denies a key; it insists until the store has it.
func (st *stage) revoke(ctx context.Context, id string) error {
	k := st.ledger.key(id)
	st.ledger.set(&k.Revoking)
	_ = st.ops.Warm(ctx) // knows the thumbprint then; without it the kid alone is denied
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := st.ops.RevokeKey(within, st.origin.URL(), id)
		cancel()
		if err == nil {
			st.ledger.set(&k.Revoked)
			return nil
		}
	}
	return nil
}

// troubleReplica does something to one process, or to all in turn.
func (st *stage) troubleReplica(ctx context.Context, s Step, r *rand.Rand, e *Event) error {
	n := r.IntN(len(st.slots))
	place := st.slots[n]
	st.ledger.mu.Lock()
	e.Note = fmt.Sprintf("#%d", n+1)
	st.ledger.mu.Unlock()
	switch s.Name {
	case "restarted":
		return st.replace(ctx, place, syscall.SIGTERM, 0)
	case "killed":
		return st.replace(ctx, place, syscall.SIGKILL, s.For/4)
	case "all restarted":
		var errs error
		for _, one := range st.slots {
			errs = errors.Join(errs, st.replace(ctx, one, syscall.SIGTERM, 0))
			for waited := time.Duration(0); one.ready() == nil && waited < patience && pause(ctx, step); waited += step {
			}
		}
		return errs
	}
	l := place.ready()
	if l == nil {
		return nil
	}
	if s.Name == "suspended" {
		if err := l.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return nil //nolint:nilerr // it has ended meanwhile
		}
		pause(ctx, s.For)
		return l.cmd.Process.Signal(syscall.SIGCONT)
	}
	off := 10 * time.Minute
	if r.IntN(2) == 0 {
		off = -off
	}
	st.ledger.mu.Lock()
	e.Note += fmt.Sprintf(", %+d min", int(off.Minutes()))
	st.ledger.mu.Unlock()
	if err := st.setClock(ctx, l, off); err != nil {
		return err
	}
	pause(ctx, 4*s.For)
	return st.setClock(ctx, l, 0)
}
