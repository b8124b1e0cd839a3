package kinde

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// ledger knows which events are being handled and which were, on a store that can only tell
// first uses from others. An event has two keys there:
//
//   - its turn, used by whoever begins, for as long as an attempt may take and one more. It ends by
//     itself, so that a process which died is not waited for.
//   - its mark, used when an attempt succeeded, for as long as the event could come again. Whoever
//     has the turn, and nobody else, finds out whether there is a mark by using it for an
//     instant.
//
// What this process did is kept beside it, so that the usual repetitions are answered without
// waiting for a turn to end. Only signed events get here, which bounds what is kept.
type ledger struct {
	name   string
	replay keystore.Replay

	mu        sync.Mutex
	entries   map[string]entry
	sweepFrom int
}

type turn uint8

const (
	mine turn = iota
	underWay
	failed
	done
)

// entry is what this process knows until its turn ends.
type entry struct {
	turn turn
	ends time.Time
}

const (
	// instant is the shortest use. Stores round it up.
	instant = time.Millisecond
	// margin covers what lies between the end of an attempt and that of its turn.
	margin = 5 * time.Second
	// recordTime bounds the wait for a store to end an instant, and to answer.
	recordTime = 5 * time.Second
	// retryAfter goes with a store whose recovery nobody can tell.
	retryAfter = 5 * time.Second
	minSweep   = 64
)

// begin takes the turn for an attempt of at most timeout, or tells why not.
func (l *ledger) begin(ctx context.Context, event string, timeout time.Duration) (turn, error) {
	now := time.Now()
	if t, known := l.known(event, now, timeout); known {
		return t, nil
	}
	life := 2*timeout + margin
	first, err := l.replay.Once(ctx, l.key("turn", event), life)
	switch {
	case err != nil:
		return underWay, fmt.Errorf("kinde: webhook: begin: %w", err)
	case !first:
		return underWay, nil
	}
	unmarked, err := l.replay.Once(ctx, l.key("mark", event), instant)
	t := mine
	switch {
	case err != nil: // may be tried again with the turn that we have
		l.set(event, failed, now.Add(life))
		return underWay, fmt.Errorf("kinde: webhook: begin: %w", err)
	case !unmarked:
		t = done
		l.set(event, done, now.Add(life))
	default:
		l.set(event, underWay, now.Add(life))
	}
	return t, nil
}

// known answers from what this process did.
func (l *ledger) known(event string, now time.Time, timeout time.Duration) (turn, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[event]
	switch {
	case !ok || !e.ends.After(now):
		return mine, false
	case e.turn == failed && e.ends.Sub(now) >= timeout: // the turn is still ours
		l.entries[event] = entry{underWay, e.ends}
		return mine, true
	case e.turn == failed:
		return underWay, true
	default:
		return e.turn, true
	}
}

func (l *ledger) set(event string, t turn, ends time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.entries, l.sweepFrom = make(map[string]entry), minSweep
	}
	if now := time.Now(); len(l.entries) >= l.sweepFrom {
		for name, e := range l.entries {
			if !e.ends.After(now) {
				delete(l.entries, name)
			}
		}
		l.sweepFrom = max(minSweep, 2*len(l.entries))
	}
	l.entries[event] = entry{t, ends}
}

// end notes how an attempt ended.
func (l *ledger) end(event string, t turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.entries[event]; ok {
		l.entries[event] = entry{t, e.ends}
	}
}

// record marks an event as handled for ttl. The instant of begin may have to pass first.
func (l *ledger) record(ctx context.Context, event string, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	for wait := instant; ; wait *= 2 {
		first, err := l.replay.Once(ctx, l.key("mark", event), ttl)
		switch {
		case err != nil:
			return fmt.Errorf("kinde: webhook: record: %w", err)
		case first:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kinde: webhook: record: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
}

func (l *ledger) key(what, event string) string {
	return "kinde-webhook:" + l.name + ":" + what + ":" + event
}
