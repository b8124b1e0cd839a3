// Package strictjson reads one JSON object, member by member, as verification needs it:
// RFC 8259 syntax, valid UTF-8, no duplicate name at any depth, nothing after the object.
// It is a thin layer over jsontext, whose decoders it keeps for reuse.
package strictjson

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrSyntax means that the text is not one strict JSON object.
var ErrSyntax = errors.New("strictjson: not a strict JSON object")

// Visitor is told of every member of an object, in order.
type Visitor interface {
	// Member gets a name, unescaped, the value as JSON text, and where in the text the
	// value begins. Neither slice may be kept. An error ends the reading.
	Member(name []byte, value jsontext.Value, offset int) error
}

// reader is a decoder with what it reads from. Making one anew costs more than everything
// else in reading a token.
type reader struct {
	dec  *jsontext.Decoder
	text *bytes.Buffer
	name []byte
}

var readers = sync.Pool{New: func() any {
	text := new(bytes.Buffer)
	return &reader{dec: jsontext.NewDecoder(text), text: text}
}}

// Read reads an object. The error is [ErrSyntax], or the first one of the visitor.
func Read(object []byte, v Visitor) error {
	r, _ := readers.Get().(*reader)
	*r.text = *bytes.NewBuffer(object)
	r.dec.Reset(r.text)
	err := r.read(v)
	*r.text = bytes.Buffer{} // keep no part of a token
	r.dec.Reset(r.text)
	readers.Put(r)
	return err
}

func (r *reader) read(v Visitor) error {
	dec := r.dec
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return ErrSyntax
	}
	for dec.PeekKind() == '"' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return ErrSyntax
		}
		// The next read overwrites what quoted refers to.
		if r.name, err = jsontext.AppendUnquote(r.name[:0], quoted); err != nil {
			return ErrSyntax
		}
		value, err := dec.ReadValue()
		if err != nil {
			return ErrSyntax
		}
		if err := v.Member(r.name, value, int(dec.InputOffset())-len(value)); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return ErrSyntax
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return ErrSyntax
	}
	return nil
}
