package jwks

import (
	"errors"
	"iter"
	"slices"

	"github.com/keychorus/keychorus/internal/jws"
)

// Errors of [Set.Candidate].
var (
	// ErrNoKey means that no key has the id.
	ErrNoKey = errors.New("jwks: no such key")
	// ErrUnfit means that keys have the id, but none is for the algorithm.
	ErrUnfit = errors.New("jwks: the key is not for this algorithm")
	// ErrAmbiguous means that several keys fit.
	ErrAmbiguous = errors.New("jwks: several keys fit")
)

// Set holds the usable keys of a document. It is immutable and safe for concurrent use.
type Set struct {
	keys []*jws.Key
	byID map[string][]*jws.Key
	ids  []string
}

func newSet(keys []*jws.Key) *Set {
	s := &Set{keys: keys, byID: make(map[string][]*jws.Key, len(keys))}
	for _, k := range keys {
		s.byID[k.ID()] = append(s.byID[k.ID()], k)
		if k.ID() != "" {
			s.ids = append(s.ids, k.ID())
		}
	}
	slices.Sort(s.ids)
	s.ids = slices.Compact(s.ids)
	return s
}

// Candidate returns the one key that fits: among the keys of that id, or among all if kid
// is "" (RFC 7517 §4.5). It does not guess.
func (s *Set) Candidate(alg, kid string) (*jws.Key, error) {
	among := s.keys
	if kid != "" {
		among = s.byID[kid]
		if len(among) == 0 {
			return nil, ErrNoKey
		}
	}
	var found *jws.Key
	for _, k := range among {
		switch {
		case !k.Fits(jws.Algorithm(alg)):
		case found != nil:
			return nil, ErrAmbiguous
		default:
			found = k
		}
	}
	switch {
	case found != nil:
		return found, nil
	case kid == "":
		return nil, ErrNoKey
	default:
		return nil, ErrUnfit
	}
}

// Len returns the number of keys.
func (s *Set) Len() int { return len(s.keys) }

// Has tells whether a key has the id.
func (s *Set) Has(kid string) bool { return len(s.byID[kid]) > 0 }

// KeyIDs returns the ids of all keys that have one, sorted, each once.
func (s *Set) KeyIDs() []string { return slices.Clone(s.ids) }

// All yields every key.
func (s *Set) All() iter.Seq[*jws.Key] { return slices.Values(s.keys) }

// Without returns a set that lacks the denied keys.
func (s *Set) Without(denied func(kid, thumbprint string) bool) *Set {
	return newSet(slices.DeleteFunc(slices.Clone(s.keys), func(k *jws.Key) bool {
		return denied(k.ID(), k.Thumbprint())
	}))
}
