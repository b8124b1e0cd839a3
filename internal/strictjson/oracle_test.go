package strictjson_test

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// readByOracle is [strictjson.Read] as jsontext does it.
func readByOracle(object []byte, v strictjson.Visitor) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(object))
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return strictjson.ErrSyntax
	}
	for dec.PeekKind() == '"' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return strictjson.ErrSyntax
		}
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return strictjson.ErrSyntax
		}
		value, err := dec.ReadValue()
		if err != nil {
			return strictjson.ErrSyntax
		}
		if err := v.Member(name, value, int(dec.InputOffset())-len(value)); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return strictjson.ErrSyntax
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return strictjson.ErrSyntax
	}
	return nil
}

// sizeOf counts the levels and the members of an object that the oracle has read.
func sizeOf(object []byte) (depth, members int) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(object))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return depth, members
		}
		depth = max(depth, dec.StackDepth())
		if kind, read := dec.StackIndex(dec.StackDepth()); kind == '{' && read%2 == 1 && token.Kind() == '"' {
			members++ // a name makes the count odd
		}
	}
}
