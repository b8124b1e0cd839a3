package kinde

import (
	"iter"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Properties is a claim that holds properties of a user, an organisation or an application.
// Kinde's own have keys like kp_usr_job_title and kp_org_city. A property may be there without
// a value. The zero Properties is absent, and holds nothing.
type Properties struct {
	values  map[string]jsontext.Value // nil: without a value
	present bool
}

// Present tells whether the token has the claim, if only as an empty object.
func (p Properties) Present() bool { return p.present }

// Has tells whether there is a property of this key, with or without a value.
func (p Properties) Has(key string) bool {
	_, ok := p.values[key]
	return ok
}

// JSON returns the value of a property as JSON, and whether it has one. The bytes belong to
// the caller.
func (p Properties) JSON(key string) (v []byte, ok bool) {
	value := p.values[key]
	return slices.Clone(value), len(value) > 0
}

// Text returns the value of a property that is a string, and whether it is one.
func (p Properties) Text(key string) (v string, ok bool) { return readText(p.values[key]) }

// Keys yields the keys of all properties, in no order.
func (p Properties) Keys() iter.Seq[string] { return maps.Keys(p.values) }

func (r *reader) properties(name string) Properties {
	_, members, ok := r.object(name)
	if !ok {
		return Properties{}
	}
	p := Properties{values: make(map[string]jsontext.Value, len(members)), present: true}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		property, ok := readObject(members[key])
		if !ok {
			r.malformed(name + "." + key)
			continue
		}
		p.values[key] = property["v"]
	}
	return p
}
