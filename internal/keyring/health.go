package keyring

import (
	"cmp"
	"errors"
	"time"
)

// Health is the state of a source at one moment.
type Health struct {
	Usable bool
	// Problem is a fixed text, "" if all is well.
	Problem       string
	Age, TimeLeft time.Duration
	KeyIDs        []string
}

// problem is what the last look ran into.
type problem struct {
	err         error     // of the issuer
	load, write error     // of the store
	since       time.Time // when the store began to fail
}

// store is the error of the store that matters.
func (p problem) store() error { return cmp.Or(p.load, p.write) }

func (s *Source) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem.err = err
}

func (s *Source) noteLoad(err error)  { s.noteStore(&s.problem.load, err) }
func (s *Source) noteWrite(err error) { s.noteStore(&s.problem.write, err) }

func (s *Source) noteStore(which *error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*which = err
	switch failing := s.problem.store() != nil; {
	case !failing:
		s.problem.since = time.Time{}
	case s.problem.since.IsZero():
		s.problem.since = time.Now()
	}
}

// Health reports on the source. It does no I/O.
func (s *Source) Health() Health {
	s.mu.Lock()
	p := s.problem
	s.mu.Unlock()
	now, snap := time.Now(), s.snap.Load()
	if snap == nil {
		return Health{Problem: "no keys yet" + because(p.err)}
	}
	h := Health{Usable: true, KeyIDs: snap.set.KeyIDs(), TimeLeft: never}
	if snap.maxAge == never {
		return h
	}
	h.Age = snap.age(now)
	h.TimeLeft = max(snap.maxAge-h.Age, 0)
	switch {
	case snap.purged:
		h.Usable = false
		h.Problem = "the keys were purged and the issuer has not confirmed them" + because(p.err)
	case !snap.usable(now):
		h.Usable = false
		h.Problem = "the keys are too old" + because(p.err)
	case errors.Is(p.err, errNoUsableKeys):
		h.Problem = "the issuer publishes no usable key; the former keys serve"
	case h.Age > snap.staleAge:
		h.Problem = "the keys are stale" + because(p.err)
	case snap.set.Len() == 0:
		h.Problem = "the issuer publishes no usable key"
	case p.store() != nil:
		h.Problem = "the key store does not work"
	}
	return h
}

// because appends the text of an error of internal/jwks, which holds no address.
func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
