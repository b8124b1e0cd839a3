package main

import (
	"errors"
	"fmt"

	"github.com/keychorus/keychorus/verifier"
)

// The exit codes. They are stable.
const (
	exitDone        = 0
	exitFinding     = 1
	exitMisuse      = 2
	exitUnavailable = 3
)

const exitCodes = `Exit codes:
  0  done, and well; the token is accepted
  1  a finding, or something was not done: a token is refused, nothing is stored, keys expired
  2  misuse: unknown commands or flags, missing or malformed settings
  3  the store or the issuer's keys are unavailable
`

// failure is an error with an exit code. An empty text means that the report has said it.
type failure struct {
	code       int
	text, hint string
}

func (f *failure) Error() string { return f.text }

func misuse(hint, format string, args ...any) error {
	return &failure{exitMisuse, fmt.Sprintf(format, args...), hint}
}

func unavailable(hint, format string, args ...any) error {
	return &failure{exitUnavailable, fmt.Sprintf(format, args...), hint}
}

// errFound ends a command whose report holds a finding.
var errFound error = &failure{code: exitFinding}

// exit reports err for people and returns the exit code.
func (c *call) exit(err error) int {
	if err == nil {
		return exitDone
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{code: exitUnavailable, text: err.Error()}
		if errors.Is(err, verifier.ErrMisconfigured) {
			f.code = exitMisuse
		}
	}
	if f.text != "" {
		_, _ = fmt.Fprintf(c.stderr, "keychorus: %s\n", printable(f.text))
	}
	if f.hint != "" {
		_, _ = fmt.Fprintf(c.stderr, "  %s\n", printable(f.hint))
	}
	return f.code
}
