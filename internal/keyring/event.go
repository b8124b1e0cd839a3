package keyring

import "slices"

// Event is a transition of a source, told once.
type Event struct {
	Kind   EventKind
	Issuer string
	// Problem is the new state, with [ProblemChanged]: a fixed text, "" if all is well.
	Problem string
	// Added and Removed are kids, with [KeysChanged].
	Added, Removed []string
	// Skipped are the reasons, each once, with [KeysSkipped].
	Skipped []string
}

// EventKind says what happened.
type EventKind uint8

// The kinds.
const (
	KeysChanged EventKind = iota + 1
	KeysSkipped
	ProblemChanged
)

// report tells what has changed since the last report, one event at a time.
func (s *Source) report() {
	if s.ring.observe == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	issuer := s.id.Issuer
	if snap := s.snap.Load(); snap != nil && snap.generation != s.told.generation {
		kids := snap.set.KeyIDs()
		s.ring.observe(Event{
			Kind: KeysChanged, Issuer: issuer,
			Added: minus(kids, s.told.kids), Removed: minus(s.told.kids, kids),
		})
		if !slices.Equal(snap.defects, s.told.defects) {
			s.ring.observe(Event{Kind: KeysSkipped, Issuer: issuer, Skipped: snap.defects})
		}
		s.told.generation, s.told.kids, s.told.defects = snap.generation, kids, snap.defects
	}
	h := s.Health()
	if h.Problem == "" {
		s.mu.Lock()
		if s.problem.err != nil {
			h.Problem = "the last refresh failed" + because(s.problem.err)
		}
		s.mu.Unlock()
	}
	if h.Problem != s.told.problem {
		s.told.problem = h.Problem
		s.ring.observe(Event{Kind: ProblemChanged, Issuer: issuer, Problem: h.Problem})
	}
}

// told is what was reported last.
type told struct {
	generation uint64
	kids       []string
	defects    []string
	problem    string
}

// minus returns what is in a and not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return slices.Contains(b, x) })
}
