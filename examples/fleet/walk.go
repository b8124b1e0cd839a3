//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// event is something that happens to a fleet, and what is promised about it.
type event struct {
	name, about string
	// needed is how often the issuer has to be asked; allowed, if it is more, how often it may.
	needed, allowed int
	// follows names the time that each replica takes; "" if nothing is waited for.
	follows string
	// lastFollows says that only the last replica has anything to follow.
	lastFollows bool
	// happen makes it happen and returns when it is over.
	happen func(ctx context.Context, s *stage, r *result) error
}

// result is what became of an event.
type result struct {
	event    *event
	views    []view
	fetches  int
	took     time.Duration
	notes    []string
	problems []string
}

func (r *result) notef(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *result) problemf(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// judge compares what was seen with what is promised.
func (r *result) judge() {
	switch allowed := max(r.event.allowed, r.event.needed); {
	case r.fetches > allowed:
		r.problemf("the issuer was asked %s, at most %d promised", times(r.fetches), allowed)
	case r.fetches < r.event.needed:
		r.problemf("the issuer was asked %s, %d needed", times(r.fetches), r.event.needed)
	}
	for i, v := range r.views {
		if v.lost > 0 {
			r.problemf("replica #%d: %d valid tokens were turned away", i+1, v.lost)
		}
		if v.ok == 0 {
			r.problemf("replica #%d: no token was accepted", i+1)
		}
		if r.event.follows != "" && v.followed == 0 && (!r.event.lastFollows || i == len(r.views)-1) {
			r.problemf("replica #%d did not follow", i+1)
		}
	}
}

// walk lets the events happen one after the other, and fails if one was not as promised.
func walk(ctx context.Context, s *stage, t *table) error {
	t.printf("%s\n", t.paint(bold, fmt.Sprintf("%d replicas, one Redis, one issuer; a client at each replica all the time", len(s.replicas))))
	began, asked := time.Now(), s.issuer.fetches()
	var stop func()
	defer func() {
		if stop != nil {
			stop()
		}
	}()
	var wrong []string
	needed, allowed := 0, 0
	for _, e := range events() {
		r := s.run(ctx, e)
		if ctx.Err() != nil {
			r.problemf("not finished in time")
		}
		t.print(r)
		needed, allowed = needed+e.needed, allowed+max(e.needed, e.allowed)
		if len(r.problems) > 0 {
			wrong = append(wrong, e.name+": "+r.problems[0])
		}
		if ctx.Err() != nil {
			break
		}
		if stop == nil { // from the first keys on
			stop = s.steady(ctx)
		}
	}
	t.printf("\nThe issuer was asked %s for its keys in all; needed were %d, allowed %d. %.0f s.\n", times(s.issuer.fetches()-asked), needed, allowed, time.Since(began).Seconds())
	if len(wrong) > 0 {
		return fmt.Errorf("not as promised:\n  %s", strings.Join(wrong, "\n  "))
	}
	return nil
}

// run lets one event happen and judges it.
func (s *stage) run(ctx context.Context, e *event) *result {
	r := &result{event: e}
	s.turnOver()
	before, began := s.issuer.fetches(), time.Now()
	if err := e.happen(ctx, s, r); err != nil {
		r.problemf("%v", err)
	}
	r.took, r.fetches, r.views = time.Since(began), s.issuer.fetches()-before, s.turnOver()
	r.judge()
	return r
}
