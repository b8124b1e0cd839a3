package kinde

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/verifier"
)

// claimError says what is the matter with a claim.
type claimError struct {
	claim string
	what  error // ErrAbsent or ErrMalformed
}

func (e *claimError) Error() string { return "kinde: " + e.claim + ": " + e.what.Error() }
func (e *claimError) Unwrap() error { return e.what }

// isOf tells whether an error is about a claim.
func isOf(err error, claim string) bool {
	ce, ok := errors.AsType[*claimError](err)
	return ok && ce.claim == claim
}

// reader reads optional claims and notes what is malformed.
type reader struct {
	members  map[string]jsontext.Value
	problems []error
}

func (r *reader) malformed(claim string) {
	r.problems = append(r.problems, &claimError{claim, ErrMalformed})
}

// find returns the first of the names that the token has. A name that is there wins, whatever
// its value: a malformed claim must not be mended by another one.
func (r *reader) find(names ...string) (name string, value jsontext.Value, ok bool) {
	for _, name := range names {
		if value, ok := r.members[name]; ok {
			return name, value, true
		}
	}
	return names[0], nil, false
}

// read reads the claim of the first of the names that the token has; the zero T stands for
// absent and malformed.
func read[T any](r *reader, parse func(jsontext.Value) (T, bool), names ...string) T {
	var none T
	name, value, ok := r.find(names...)
	if !ok {
		return none
	}
	if v, ok := parse(value); ok {
		return v
	}
	r.malformed(name)
	return none
}

// claim reads one claim of a token; the error says that it is absent or malformed.
func claim[T any](t *verifier.Token, parse func(jsontext.Value) (T, bool), names ...string) (T, error) {
	var none T
	for _, name := range names {
		value, ok := t.Claim(name)
		if !ok {
			continue
		}
		if v, ok := parse(value); ok {
			return v, nil
		}
		return none, &claimError{name, ErrMalformed}
	}
	return none, &claimError{names[0], ErrAbsent}
}

func readText(value jsontext.Value) (string, bool) {
	var s string
	return s, value.Kind() == '"' && json.Unmarshal(value, &s) == nil
}

// readName reads a string that means nothing when it is empty.
func readName(value jsontext.Value) (string, bool) {
	s, ok := readText(value)
	return s, ok && s != ""
}

// readStrings reads a list of strings. null is neither a list nor nothing.
func readStrings(value jsontext.Value) (Strings, bool) {
	elements, ok := readList(value)
	if !ok {
		return Strings{}, false
	}
	values := make([]string, len(elements))
	for i, e := range elements {
		if values[i], ok = readText(e); !ok {
			return Strings{}, false
		}
	}
	return Strings{values: values, present: true}, true
}

func readList(value jsontext.Value) ([]jsontext.Value, bool) {
	var elements []jsontext.Value
	return elements, value.Kind() == '[' && json.Unmarshal(value, &elements) == nil
}

func readObject(value jsontext.Value) (map[string]jsontext.Value, bool) {
	var members map[string]jsontext.Value
	return members, value.Kind() == '{' && json.Unmarshal(value, &members) == nil
}

func readBool(value jsontext.Value) (v, ok bool) {
	k := value.Kind()
	return k == 't', k == 't' || k == 'f'
}

func readTime(value jsontext.Value) (time.Time, bool) {
	s, ok := readText(value)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, s)
	return at, err == nil
}

// trial reads the claims of a trial from the top level, where the documentation has them, or
// else from billing.
func (r *reader) trial() Trial {
	from, at := r, ""
	_, top := r.members["has_trial_period"]
	_, ends := r.members["trial_expires_on"]
	if billing, ok := readObject(r.members["billing"]); ok && !top && !ends {
		from, at = &reader{members: billing}, "billing."
	}
	t := Trial{Active: read(from, readBool, "has_trial_period"), Ends: read(from, readTime, "trial_expires_on")}
	if from != r {
		for _, p := range from.problems {
			if ce, ok := errors.AsType[*claimError](p); ok {
				r.malformed(at + ce.claim)
			}
		}
	}
	return t
}
