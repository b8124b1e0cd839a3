package chaos

import (
	"math"
	"net/http"
	"time"
)

// meets notes an answer about a key that the process does not know yet.
func (c *court) meets(e Entry) {
	p := pair{e.Process, e.Key}
	m := c.meeting[p]
	if m == nil {
		m = &meeting{from: e.Sent}
		c.meeting[p] = m
	}
	m.from, m.to = min(m.from, e.Sent), max(m.to, e.Answered)
}

// meetings judges how long new keys took. Only time with an issuer that answers counts: without
// one nobody can know a new key.
func (c *court) meetings() {
	for p, m := range c.meeting {
		if first, ok := c.first[p]; ok {
			m.to = first
		}
		m.to = max(m.to, m.from)
		took := longestCalm(span{m.from, m.to}, c.issuer)
		c.newKeys = append(c.newKeys, m.to-m.from)
		if limit := c.newKeyLimit(*m); took > limit {
			c.violatedf(NewKeyInTime, m.to, p.process, "key %s after %.1f s with an issuer that answers, at most %.0f s", p.key, took.Seconds(), limit.Seconds())
		}
	}
}

// newKeyLimit is 5 s in calm times. An unknown kid or an issuer in trouble shuts the gate for a
// cool-down, and for longer where there is no store that says when to go on.
func (c *court) newKeyLimit(m meeting) time.Duration {
	switch s := (span{m.from - cooldown - fetchTime, m.to}); {
	case anyMeets(c.store, span{m.from - aloneCooldown, m.to}), anyMeets(c.clocks, s):
		return aloneCooldown + fetchTime + scheduling
	case c.unknownWithin(s), anyMeets(c.issuer, s), anyMeets(c.losses, s):
		return cooldown + fetchTime + scheduling
	default:
		return knownSoon
	}
}

// withdrawn judges an answer about a key that is not published any more: who has asked the
// issuer since does not accept it.
func (c *court) withdrawn(e Entry, row *Row) {
	if e.Status != http.StatusOK {
		return
	}
	s := span{max(c.keys[e.Key].Withdrawn, c.Processes[e.Process].Started), e.Sent}
	c.lastWithdrawn = max(c.lastWithdrawn, s.to-s.from)
	limit := c.Interval*6/5 + fetchTime + scheduling
	if anyMeets(c.issuer, s) {
		limit += cooldown
	}
	if anyMeets(c.store, s) || anyMeets(c.clocks, s) {
		limit += c.Interval * 3 / 10
	}
	if took := longestCalm(s, c.issuer); took > limit {
		row.Wrong++
		c.violatedf(WithdrawnInTime, e.Answered, e.Process, "key %s after %.1f s with an issuer that answers, at most %.0f s", e.Key, took.Seconds(), limit.Seconds())
	}
}

// revoked judges an answer about a denied key. A denial reaches processes through the store. One
// that the store has lost is put back by those who know it; if they all ended meanwhile, it is
// forgotten, as docs/operations.md says.
func (c *court) revoked(e Entry, row *Row) {
	if e.Status != http.StatusOK {
		return
	}
	k, p := c.keys[e.Key], c.Processes[e.Process]
	s := span{max(k.Revoked, p.Started), e.Sent}
	c.lastRevoked = max(c.lastRevoked, s.to-s.from)
	limit := revokedSoon + scheduling
	if p.Started > k.Revoking && anyMeets(c.losses, span{k.Revoking, e.Sent}) {
		if !c.remembered(k, e.Sent) {
			c.forgotten++
			return
		}
		limit += revokedSoon
	}
	if took := longestCalm(s, c.store); took > limit {
		row.Wrong++
		c.violatedf(RevokedInTime, e.Answered, e.Process, "key %s after %.1f s with a store that works, at most %.0f s", e.Key, took.Seconds(), limit.Seconds())
	}
}

// remembered tells whether a process has known of a denial all the time.
func (c *court) remembered(k *Key, until time.Duration) bool {
	for _, p := range c.Processes {
		if p.Ready <= k.Revoking && p.Ended >= until {
			return true
		}
	}
	return false
}

// readiness judges how long processes took to get their first keys.
func (c *court) readiness() {
	for i, p := range c.Processes {
		s := span{p.Started, min(p.Ready, p.Ended, c.Length)}
		took := longestCalm(s, append(append([]span{}, c.issuer...), c.store...))
		if p.Ready != Never {
			c.ready = append(c.ready, p.Ready-p.Started)
		}
		if limit := cooldown + fetchTime + scheduling; took > limit {
			c.violatedf(ReadyInTime, s.to, i, "after %.1f s in which issuer and store worked, at most %.0f s", took.Seconds(), limit.Seconds())
		}
	}
}

// retryWithin is how soon a broken attempt asks for the second and last time.
const retryWithin = 600 * time.Millisecond

// attempts are the fetches without the one retry that each may make.
func (c *court) attempts() []time.Duration {
	var all []time.Duration
	retried := false
	for i, f := range c.Fetches {
		if retried = i > 0 && !retried && c.Fetches[i-1].Failed && f.At-c.Fetches[i-1].At < retryWithin; !retried {
			all = append(all, f.At)
		}
	}
	return all
}

// fetches judges every minute.
func (c *court) fetches() {
	all := c.attempts()
	c.Attempts = len(all)
	for i, at := range all {
		n := 0
		for _, other := range all[i:] {
			if other < at+time.Minute {
				n++
			}
		}
		minute := span{at, at + time.Minute}
		if anyMeets(c.store, minute) {
			c.mostAlone = max(c.mostAlone, n)
		} else {
			c.mostPerMinute = max(c.mostPerMinute, n)
		}
		if limit := c.fetchLimit(minute); n > limit {
			c.violatedf(FewFetches, at, -1, "%d attempts in a minute, at most %d", n, limit)
		}
	}
}

// fetchLimit is what the fleet may ask in a minute: as often as one process, and once more for
// each new key and for each time that the store forgets who has just asked. Without a store each
// process asks for itself: at each refresh point, once for unknown kids, once for a new key.
func (c *court) fetchLimit(s span) int {
	limit, rotations := perMinute, 0
	if anyMeets(c.issuer, s) {
		limit = flapping
	}
	for _, k := range c.Keys {
		if k.Published > 0 && s.meets(span{k.Published, k.Published}) {
			rotations++
		}
	}
	for _, loss := range c.losses {
		if s.meets(loss) {
			limit++
		}
	}
	perCycle := int(math.Ceil(float64(time.Minute) / (0.8 * float64(c.Interval))))
	if anyMeets(c.clocks, s) {
		limit += perCycle + 1
	}
	if anyMeets(c.store, s) {
		return limit + c.Replicas*(perCycle+1+rotations)
	}
	return limit + rotations
}
