package sealed

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/keychorus/keychorus/keystore"
)

// protocol is part of every name: formats that do not understand each other never meet.
const protocol = "1"

// name returns <namespace>:1:{<tag>}:<secret>:<kind>. The braces keep all that belongs to an ID
// on one node of a cluster.
func (s *Store) name(sec *secret, id keystore.ID, kind string) string {
	return s.namespace + ":" + protocol + ":{" + tag(id) + "}:" + sec.name() + ":" + kind
}

// topic returns the channel on which changes are announced.
func (s *Store) topic(sec *secret) string {
	return s.namespace + ":" + protocol + ":" + sec.name() + ":changed"
}

// tag names an ID with 32 characters whatever bytes it holds.
func tag(id keystore.ID) string {
	b := appendString(appendString([]byte("keychorus/id/1"), id.Issuer), id.JWKSURL)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

const (
	kindSet   = "set"
	kindLease = "lease"
)
