package sealed

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
)

const (
	minSecretBytes = 32
	maxSecrets     = 4
	macSize        = sha256.Size
	secretIDSize   = 8
)

// Secrets are the fleet secret and those it had before. What they seal is believed; new
// things are sealed with the first. Immutable and safe for concurrent use. It prints without
// its content under every verb, in slog and in JSON.
type Secrets struct{ ring []secret }

// secret is one fleet secret as two independent values derived from it (RFC 5869).
type secret struct {
	id  [secretIDSize]byte // public: it is part of names, so that other secrets never meet
	key func() []byte      // a function, since printers follow everything else
}

// NewSecrets returns the secrets of a fleet: primary, and those that other processes may
// still seal with. Each is at least 32 bytes that nobody can guess, such as the output of
// keychorus secret; the bytes of its text serve as they are. A short secret, one of a single
// repeated byte, one given twice, and more than three previous ones are errors. The slices
// are not kept.
//
// To change the secret without a fetch: add the new one as previous everywhere, then make
// it primary everywhere, then drop the old one.
func NewSecrets(primary []byte, previous ...[]byte) (*Secrets, error) {
	all := append([][]byte{primary}, previous...)
	if len(all) > maxSecrets {
		return nil, fmt.Errorf("sealed: %d previous secrets: at most %d", len(previous), maxSecrets-1)
	}
	s := &Secrets{}
	for i, raw := range all {
		name := "the primary secret"
		if i > 0 {
			name = fmt.Sprintf("previous secret %d", i)
		}
		switch {
		case len(raw) < minSecretBytes:
			return nil, fmt.Errorf("sealed: %s has %d bytes: at least %d, that nobody can guess", name, len(raw), minSecretBytes)
		case bytes.Count(raw, raw[:1]) == len(raw):
			return nil, fmt.Errorf("sealed: %s is one byte repeated", name)
		}
		derived, err := derive(raw)
		if err != nil {
			return nil, err
		}
		for _, other := range s.ring {
			if other.id == derived.id {
				return nil, errors.New("sealed: " + name + " is given twice")
			}
		}
		s.ring = append(s.ring, derived)
	}
	return s, nil
}

func derive(raw []byte) (secret, error) {
	id, err := hkdf.Key(sha256.New, raw, nil, "keychorus/fleet-secret-id/1", secretIDSize)
	if err != nil {
		return secret{}, fmt.Errorf("sealed: deriving the id of a secret: %w", err)
	}
	key, err := hkdf.Key(sha256.New, raw, nil, "keychorus/fleet-secret-key/1", sha256.Size)
	if err != nil {
		return secret{}, fmt.Errorf("sealed: deriving the key of a secret: %w", err)
	}
	return secret{[secretIDSize]byte(id), func() []byte { return key }}, nil
}

// String names the secrets by their ids, which are public.
func (s Secrets) String() string {
	var b bytes.Buffer
	b.WriteString("sealed.Secrets(")
	for i := range s.ring {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.ring[i].name())
	}
	b.WriteByte(')')
	return b.String()
}

// Format keeps every verb from printing the content.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue keeps slog from printing the content.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps encoders from printing the content.
func (s Secrets) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// name is the id as it stands in names.
func (s *secret) name() string { return hex.EncodeToString(s.id[:]) }

// mac authenticates parts, each with its length, and then body.
func (s *secret) mac(body []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, s.key())
	var context []byte
	for _, p := range parts {
		context = appendString(context, p)
	}
	h.Write(context)
	h.Write(body)
	return h.Sum(nil)
}
