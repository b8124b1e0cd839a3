package sealed

import (
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// Seal returns rec as the first of the secrets seals it.
func Seal(s *Secrets, namespace string, id keystore.ID, rec *keystore.Record) ([]byte, error) {
	return s.ring[0].seal(namespace, id, rec)
}

// Open is the reverse of Seal.
func Open(s *Secrets, namespace string, id keystore.ID, envelope []byte) (*keystore.Record, error) {
	return s.ring[0].open(namespace, id, envelope)
}

// MAC authenticates as everything in this package does.
func MAC(s *Secrets, body []byte, parts ...string) []byte { return s.ring[0].mac(body, parts...) }

// The labels of what is authenticated.
const (
	EnvelopeLabel = envelopeLabel
	LeaseLabel    = leaseLabel
	HintLabel     = hintLabel
)

// DecodeBody reads an envelope without its seal.
func DecodeBody(s *Secrets, id keystore.ID, body []byte) (*keystore.Record, error) {
	return decode(id, s.ring[0].id, body)
}

// SealLease returns a lease; a zero outcome is an attempt under way.
func SealLease(s *Secrets, namespace string, id keystore.ID, o keystore.Outcome, began time.Time, life time.Duration) []byte {
	return s.ring[0].sealLease(namespace, id, leaseValue{o, began, life})
}

// OpenLease reads a lease.
func OpenLease(s *Secrets, namespace string, id keystore.ID, b []byte) (o keystore.Outcome, life time.Duration, ok bool) {
	v, ok := s.ring[0].openLease(namespace, id, b)
	return v.outcome, v.life, ok
}

// DecodeLease reads a lease without its seal.
func DecodeLease(body []byte) (o keystore.Outcome, life time.Duration, ok bool) {
	v, ok := decodeLease(body)
	return v.outcome, v.life, ok
}

// ReadMessage reads an announcement under the primary secret.
func (s *Store) ReadMessage(msg []byte) (keystore.Event, bool) {
	return s.event(&s.secrets.ring[0], msg)
}

// Key is what the first of the secrets seals with.
func Key(s *Secrets) []byte { return s.ring[0].key() }
