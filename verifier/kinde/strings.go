package kinde

import (
	"iter"
	"slices"
)

// Strings is a claim that is a list of strings. The zero Strings is absent, and holds nothing.
type Strings struct {
	values  []string
	present bool
}

// Present tells whether the token has the claim, if only as an empty list.
func (s Strings) Present() bool { return s.present }

// Len returns how many strings there are; 0 if absent.
func (s Strings) Len() int { return len(s.values) }

// Has tells whether the list holds exactly this string.
func (s Strings) Has(key string) bool { return slices.Contains(s.values, key) }

// HasAll tells whether the list holds every one of the strings. It cannot be asked about none.
func (s Strings) HasAll(first string, more ...string) bool {
	return s.Has(first) && !slices.ContainsFunc(more, func(key string) bool { return !s.Has(key) })
}

// HasAny tells whether the list holds at least one of the strings.
func (s Strings) HasAny(first string, more ...string) bool {
	return s.Has(first) || slices.ContainsFunc(more, s.Has)
}

// All yields the strings in the order of the token.
func (s Strings) All() iter.Seq[string] { return slices.Values(s.values) }
