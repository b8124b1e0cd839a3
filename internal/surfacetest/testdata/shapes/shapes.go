// Package shapes has one name of each kind.
package shapes

import "errors"

// Limit is a constant.
const Limit = 3

const hidden = 4

// ErrShape is a variable.
var ErrShape error = errors.New("shapes: none")

// Shape is a struct.
type Shape struct {
	Sides int
	hidden
}

// Option is a function.
type Option func(*Shape)

// Named is an interface.
type Named interface {
	error
	Name() string
}

// Text is an alias.
type Text = string

// New makes a shape.
func New(sides int, opts ...Option) (*Shape, error) { return nil, ErrShape }

// Area is a method.
func (s *Shape) Area() float64 { return hidden }

func (s *Shape) unseen() {}
