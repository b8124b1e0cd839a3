package sealed

import (
	"errors"
	"fmt"
	"time"
)

// Option varies a [Store].
type Option interface{ apply(s *Store) error }

type option func(*Store) error

func (o option) apply(s *Store) error { return o(s) }

const (
	defaultNamespace = "keychorus"
	defaultTimeout   = 100 * time.Millisecond
)

// WithNamespace keeps fleets apart that share a back end: it begins every name and is under
// every seal. 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen; anything else is an
// error. Default: keychorus.
func WithNamespace(namespace string) Option {
	return option(func(s *Store) error {
		if len(namespace) < 1 || len(namespace) > 64 {
			return errors.New("sealed: WithNamespace: the namespace must have 1 to 64 characters")
		}
		for _, c := range []byte(namespace) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
				return errors.New("sealed: WithNamespace: the namespace holds something other than A-Z, a-z, 0-9, dot, underscore and hyphen")
			}
		}
		s.namespace = namespace
		return nil
	})
}

// WithTimeout bounds each call of the back end, whatever its client's own settings are: the
// call is left behind. From 1 ms to 10 s; anything else is an error. Default: 100 ms, which
// suits a back end in the same network; 250 ms is better across regions.
func WithTimeout(d time.Duration) Option {
	return option(func(s *Store) error {
		if d < time.Millisecond || d > 10*time.Second {
			return fmt.Errorf("sealed: WithTimeout: %v: between 1ms and 10s", d)
		}
		s.timeout = d
		return nil
	})
}
