package kinde

import (
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// FlagKind is the type of a feature flag as the token names it. Kinds that Kinde may add are
// preserved as they are.
type FlagKind string

// The kinds of flags.
const (
	FlagBool   FlagKind = "b"
	FlagInt    FlagKind = "i"
	FlagString FlagKind = "s"
	FlagJSON   FlagKind = "j"
)

type flag struct {
	kind  FlagKind
	value jsontext.Value
}

// Flags is the claim feature_flags. A flag whose value is not of its kind is malformed, reads
// as absent and is told by [Claims.Problems]; the others stand. The zero Flags is absent, and
// holds nothing.
type Flags struct {
	values  map[string]flag
	present bool
}

// Present tells whether the token has the claim, if only as an empty object.
func (f Flags) Present() bool { return f.present }

// On tells whether the flag is boolean and true. A flag that merely exists is not on.
func (f Flags) On(key string) bool {
	v, ok := f.Bool(key)
	return v && ok
}

// Bool returns the value of a boolean flag, and whether there is one of this key.
func (f Flags) Bool(key string) (v, ok bool) {
	x := f.values[key]
	return x.value.Kind() == 't', x.kind == FlagBool
}

// Int returns the value of an integer flag, and whether there is one of this key.
func (f Flags) Int(key string) (v int64, ok bool) {
	x := f.values[key]
	if x.kind != FlagInt {
		return 0, false
	}
	return readInt(x.value)
}

// Text returns the value of a string flag, and whether there is one of this key.
func (f Flags) Text(key string) (v string, ok bool) {
	x := f.values[key]
	if x.kind != FlagString {
		return "", false
	}
	return readText(x.value)
}

// JSON returns the value of a flag of any kind as JSON, and whether there is one of this key.
// The bytes belong to the caller.
func (f Flags) JSON(key string) (v []byte, ok bool) {
	x, ok := f.values[key]
	return slices.Clone(x.value), ok
}

// Kind returns the kind of a flag, and whether there is one of this key.
func (f Flags) Kind(key string) (FlagKind, bool) {
	x, ok := f.values[key]
	return x.kind, ok
}

// Keys yields the keys of all flags, in no order.
func (f Flags) Keys() iter.Seq[string] { return maps.Keys(f.values) }

func readInt(value jsontext.Value) (int64, bool) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil
}

// readFlag reads {"t": kind, "v": value}.
func readFlag(value jsontext.Value) (flag, bool) {
	members, ok := readObject(value)
	if !ok {
		return flag{}, false
	}
	kind, ok := readName(members["t"])
	f := flag{FlagKind(kind), members["v"]}
	switch f.kind {
	case FlagBool:
		_, is := readBool(f.value)
		ok = ok && is
	case FlagInt:
		_, is := readInt(f.value)
		ok = ok && is
	case FlagString:
		_, is := readText(f.value)
		ok = ok && is
	}
	return f, ok && len(f.value) > 0
}

func (r *reader) flags(names ...string) Flags {
	name, members, ok := r.object(names...)
	if !ok {
		return Flags{}
	}
	f := Flags{values: make(map[string]flag, len(members)), present: true}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if value, ok := readFlag(members[key]); ok {
			f.values[key] = value
		} else {
			r.malformed(name + "." + key)
		}
	}
	return f
}

// object returns the members of a claim that is an object.
func (r *reader) object(names ...string) (name string, members map[string]jsontext.Value, ok bool) {
	name, value, ok := r.find(names...)
	if !ok {
		return name, nil, false
	}
	if members, ok = readObject(value); !ok {
		r.malformed(name)
	}
	return name, members, ok
}
