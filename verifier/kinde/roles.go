package kinde

import (
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Role is a role of the user. ID and Name are "" where a workflow made roles mere keys.
type Role struct{ ID, Key, Name string }

// RoleSet is the claim roles: objects as Kinde documents them, or their keys, as a list or as
// one string with spaces between, as workflows write them. The zero RoleSet is absent, and holds
// nothing.
type RoleSet struct {
	values  []Role
	present bool
}

// Present tells whether the token has the claim, if only as an empty list.
func (r RoleSet) Present() bool { return r.present }

// Len returns how many roles there are; 0 if absent.
func (r RoleSet) Len() int { return len(r.values) }

// Has tells whether there is a role of this key.
func (r RoleSet) Has(key string) bool {
	return slices.ContainsFunc(r.values, func(x Role) bool { return x.Key == key })
}

// HasAll tells whether there is a role of every key. It cannot be asked about none.
func (r RoleSet) HasAll(first string, more ...string) bool {
	return r.Has(first) && !slices.ContainsFunc(more, func(key string) bool { return !r.Has(key) })
}

// HasAny tells whether there is a role of at least one key.
func (r RoleSet) HasAny(first string, more ...string) bool {
	return r.Has(first) || slices.ContainsFunc(more, r.Has)
}

// All yields the roles in the order of the token.
func (r RoleSet) All() iter.Seq[Role] { return slices.Values(r.values) }

func readRoles(value jsontext.Value) (RoleSet, bool) {
	if s, ok := readText(value); ok {
		r := RoleSet{present: true}
		for key := range strings.FieldsSeq(s) {
			r.values = append(r.values, Role{Key: key})
		}
		return r, true
	}
	elements, ok := readList(value)
	if !ok {
		return RoleSet{}, false
	}
	r := RoleSet{values: make([]Role, len(elements)), present: true}
	for i, e := range elements {
		if r.values[i], ok = readRole(e); !ok {
			return RoleSet{}, false
		}
	}
	return r, true
}

// readRole reads an object or a key. Only the key has to be there.
func readRole(value jsontext.Value) (Role, bool) {
	if key, ok := readName(value); ok {
		return Role{Key: key}, true
	}
	members, ok := readObject(value)
	if !ok {
		return Role{}, false
	}
	r := reader{members: members}
	role := Role{Key: read(&r, readName, "key"), ID: read(&r, readText, "id"), Name: read(&r, readText, "name")}
	return role, role.Key != "" && len(r.problems) == 0
}
