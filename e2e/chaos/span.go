package chaos

import (
	"slices"
	"time"
)

// span is a stretch of time.
type span struct{ from, to time.Duration }

func (s span) meets(o span) bool { return s.from <= o.to && o.from <= s.to }

// spans returns when any of these troubles could be felt.
func (l *Ledger) spans(t Trouble) []span {
	var all []span
	for _, e := range l.Events {
		if e.Trouble&t != 0 {
			all = append(all, span{e.Begin, e.Over})
		}
	}
	return all
}

func anyMeets(all []span, s span) bool {
	return slices.ContainsFunc(all, s.meets)
}

// longestCalm is the longest stretch of s that meets no trouble. What is promised is promised
// once troubles have ended, so it counts from there.
func longestCalm(s span, troubles []span) time.Duration {
	sorted := slices.Clone(troubles)
	slices.SortFunc(sorted, func(a, b span) int { return int(a.from - b.from) })
	longest, from := time.Duration(0), s.from
	for _, t := range sorted {
		if t.to < from {
			continue
		}
		if t.from > s.to {
			break
		}
		longest = max(longest, t.from-from)
		from = t.to
	}
	return max(longest, s.to-from)
}
