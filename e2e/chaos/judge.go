package chaos

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// What docs/keys.md and docs/operations.md promise, with the defaults that the replicas keep.
const (
	fetchTime     = 5 * time.Second // of one attempt at most, its retry included
	knownSoon     = 5 * time.Second // a new key, when nobody has asked for others
	cooldown      = 24 * time.Second
	aloneCooldown = 90 * time.Second // after an unknown kid, where there is no store
	revokedSoon   = 20 * time.Second
	perMinute     = 4               // attempts of the fleet, whatever is sent to it
	flapping      = 8               // the same, when the issuer comes and goes
	scheduling    = 2 * time.Second // what a busy machine adds
)

// Rule is what a violation is a violation of.
type Rule string

// The rules.
const (
	NothingLost     Rule = "a token is lost whose key is published, and known to the process"
	NothingBad      Rule = "a token is accepted that no key and no time makes good"
	NewKeyInTime    Rule = "a new key is not accepted in time"
	WithdrawnInTime Rule = "a withdrawn key is accepted for too long"
	RevokedInTime   Rule = "a revoked key is accepted for too long"
	ReadyInTime     Rule = "a process that was started is not ready in time"
	FewFetches      Rule = "the issuer is asked too often"
	PlainAnswers    Rule = "an answer is neither yes nor no nor later"
)

// Violation is a promise that was not kept.
type Violation struct {
	Rule    Rule
	At      time.Duration
	Process int // -1 if it is nobody's
	Detail  string
}

func (v Violation) String() string {
	s := fmt.Sprintf("%.2f s: %s: %s", v.At.Seconds(), v.Rule, v.Detail)
	if v.Process >= 0 {
		s += fmt.Sprintf(" (process %d)", v.Process)
	}
	return s
}

// court is one judgement under way.
type court struct {
	*Ledger
	*Verdict
	keys    map[string]*Key
	first   map[pair]time.Duration // when a process had first accepted a key
	meeting map[pair]*meeting
	unknown []time.Duration // when kids were sent that the issuer does not have

	issuer, store, losses, clocks []span
}

type pair struct {
	process int
	key     string
}

// meeting is what a process and a key that is new to it have with each other.
type meeting struct{ from, to time.Duration }

// newCourt looks through a ledger.
func newCourt(l *Ledger) *court {
	c := &court{
		Ledger: l, Verdict: &Verdict{Rows: make(map[Class]*Row)}, keys: make(map[string]*Key),
		first: make(map[pair]time.Duration), meeting: make(map[pair]*meeting),
		issuer: l.spans(IssuerTrouble), store: l.spans(StoreTrouble), losses: l.spans(DataLoss), clocks: l.spans(ClockTrouble),
	}
	for _, k := range l.Keys {
		c.keys[k.ID] = k
	}
	c.learn()
	return c
}

// Judge compares a ledger with what is promised. The ledger is complete and not written to any
// more.
func Judge(l *Ledger) *Verdict {
	c := newCourt(l)
	for _, e := range l.Entries {
		c.entry(e)
	}
	c.meetings()
	c.readiness()
	c.fetches()
	slices.SortFunc(c.Violations, func(a, b Violation) int { return int(a.At - b.At) })
	c.summary()
	return c.Verdict
}

func (c *court) violatedf(r Rule, at time.Duration, process int, format string, args ...any) {
	c.Violations = append(c.Violations, Violation{r, at, process, fmt.Sprintf(format, args...)})
}

// learn finds out which process accepted which key when, and when unknown kids were about.
func (c *court) learn() {
	for _, e := range c.Entries {
		p := pair{e.Process, e.Key}
		if k := c.keys[e.Key]; e.Kind == MadeUp || e.Kind == Good && k != nil && e.Sent > k.Withdrawn {
			c.unknown = append(c.unknown, e.Sent)
		}
		if e.Kind == Good && e.Status == http.StatusOK {
			if at, ok := c.first[p]; !ok || e.Answered < at {
				c.first[p] = e.Answered
			}
		}
	}
	slices.Sort(c.unknown)
}

// unknownWithin tells whether anybody sent a kid that the issuer does not have.
func (c *court) unknownWithin(s span) bool {
	i, _ := slices.BinarySearch(c.unknown, s.from)
	return i < len(c.unknown) && c.unknown[i] <= s.to
}

// entry judges one answer.
func (c *court) entry(e Entry) {
	p := c.Processes[e.Process]
	class := c.classOf(e)
	row := c.row(class)
	row.Sent++
	switch {
	case e.Status == 0 && p.Ended <= e.Answered: // it died with the process, as it may
		row.Ended++
		return
	case e.Status == http.StatusOK:
		row.OK++
	case e.Status == http.StatusUnauthorized:
		row.Refused++
	case e.Status == http.StatusServiceUnavailable:
		row.Later++
	default:
		if row.Other++; class == Known {
			break
		}
		c.violatedf(PlainAnswers, e.Answered, e.Process, "status %d for %s", e.Status, class)
	}
	switch class {
	case Known:
		if e.Status != http.StatusOK {
			row.Wrong++
			c.violatedf(NothingLost, e.Answered, e.Process, "status %d, key %s, first accepted at %.2f s", e.Status, e.Key, c.first[pair{e.Process, e.Key}].Seconds())
		} else {
			c.latencies = append(c.latencies, e.Answered-e.Sent)
		}
	case NewKey:
		c.meets(e)
	case Withdrawn:
		c.withdrawn(e, row)
	case Revoked:
		c.revoked(e, row)
	case BadForged, BadExpired, BadAudience, BadKid:
		if e.Status == http.StatusOK {
			row.Wrong++
			c.violatedf(NothingBad, e.Answered, e.Process, "%s, key %s", class, e.Key)
		}
	}
}
