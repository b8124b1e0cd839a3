package strictjson

import (
	"errors"
	"hash/maphash"
	"math"

	"github.com/go-json-experiment/json/jsontext"
)

// Errors of [Read] and [Limits.Read].
var (
	// ErrSyntax means that the text is not one strict JSON object.
	ErrSyntax = errors.New("strictjson: not a strict JSON object")
	// ErrLimit means that the text is deeper or wider than allowed.
	ErrLimit = errors.New("strictjson: too deep or too many members")
)

// Visitor is told of every member of an object, in order.
type Visitor interface {
	// Member gets a name, unescaped, the value as JSON text, and where in the text the
	// value begins. Neither slice may be kept. An error ends the reading.
	Member(name []byte, value jsontext.Value, offset int) error
}

// Limits bound what is read. Zero fields are the defaults.
type Limits struct {
	Depth   int // of objects and lists, the outer object being the first; default 128
	Members int // of all objects together; default: as many as there are
}

const defaultDepth = 128

// Read reads an object within the default limits. The error is [ErrSyntax], [ErrLimit], or
// the first one of the visitor.
func Read(object []byte, v Visitor) error { return Limits{}.Read(object, v) }

// Read is [Read] within limits of one's own.
func (l Limits) Read(object []byte, v Visitor) error {
	s := scanner{text: object, depth: l.Depth, members: l.Members, names: names{seed: maphash.MakeSeed()}}
	if s.depth <= 0 {
		s.depth = defaultDepth
	}
	if s.members <= 0 {
		s.members = math.MaxInt
	}
	if s.next() != '{' {
		return ErrSyntax
	}
	if err := s.object(v); err != nil {
		return err
	}
	if s.next(); s.at < len(s.text) {
		return ErrSyntax
	}
	return nil
}
