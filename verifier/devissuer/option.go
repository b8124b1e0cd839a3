package devissuer

import (
	"errors"
	"slices"
	"time"
)

// Option changes a default of [New].
type Option func(*Issuer) error

// WithAlgorithm sets the algorithm of the first key and of the keys that
// [Issuer.Rotate] adds. The default is that of the first key given to
// [WithKeys], else RS256 with 2048 bits.
func WithAlgorithm(alg Algorithm) Option {
	return func(i *Issuer) error {
		if _, ok := schemes[alg]; !ok {
			return errUnknownAlgorithm
		}
		i.algorithm = alg
		return nil
	}
}

// WithKeys supplies ready keys, because generating RSA keys is slow: whenever
// the issuer needs a key, it takes the first unused one of the right algorithm
// and generates one only if there is none. A nil key and a repeated key id are
// errors. The default is no ready keys.
func WithKeys(keys ...*Key) Option {
	return func(i *Issuer) error {
		for _, key := range keys {
			if key == nil {
				return errors.New("devissuer: nil key")
			}
			if slices.ContainsFunc(i.spare, func(k *Key) bool { return k.id == key.id }) {
				return errors.New("devissuer: two keys of one id")
			}
			i.spare = append(i.spare, key)
		}
		return nil
	}
}

// WithClock sets what the time claims of minted tokens are computed from. The
// default is [time.Now].
func WithClock(now func() time.Time) Option {
	return func(i *Issuer) error {
		if now == nil {
			return errors.New("devissuer: nil clock")
		}
		i.now = now
		return nil
	}
}

// WithLifetime sets the distance from iat to exp in minted tokens, at least one
// second. The default is 24 hours, Kinde's.
func WithLifetime(d time.Duration) Option {
	return func(i *Issuer) error {
		if d < time.Second {
			return errors.New("devissuer: lifetime below one second")
		}
		i.lifetime = d
		return nil
	}
}

// WithAudience sets the aud claim of minted tokens. The default is an empty
// array, as Kinde sends for an API that the front end did not ask for.
func WithAudience(audience ...string) Option {
	return func(i *Issuer) error {
		i.audience = append([]string{}, audience...)
		return nil
	}
}
