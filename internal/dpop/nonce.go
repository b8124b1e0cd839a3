package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// MinSecretBytes is the least length of the secret behind nonces.
const MinSecretBytes = 32

const (
	macBytes = 16
	// maxNonceAhead is how far the clocks of servers with one secret may be apart.
	maxNonceAhead = 30 * time.Second
)

// Nonces makes and checks nonces (RFC 9449 §9) without remembering any: each is a time and
// its MAC. Servers with one secret take each other's. It is immutable and safe for
// concurrent use.
type Nonces struct {
	secret []byte
	life   time.Duration
}

// NewNonces returns nonces that hold for life, which must be positive. The secret must have
// at least [MinSecretBytes] and is copied.
func NewNonces(secret []byte, life time.Duration) (*Nonces, error) {
	if len(secret) < MinSecretBytes {
		return nil, errors.New("dpop: the secret is too short")
	}
	if life <= 0 {
		return nil, errors.New("dpop: nonces must live")
	}
	return &Nonces{slices.Clone(secret), life}, nil
}

// Issue returns the nonce of a moment, in whole seconds.
func (n *Nonces) Issue(now time.Time) string {
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 8+macBytes), uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, n.mac(raw)...))
}

// check tells whether a nonce is ours and valid, and until when.
func (n *Nonces) check(nonce string, now time.Time) (expires time.Time, ok bool) {
	if len(nonce) != base64.RawURLEncoding.EncodedLen(8+macBytes) {
		return expires, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != 8+macBytes || !hmac.Equal(n.mac(raw[:8]), raw[8:]) {
		return expires, false
	}
	issued := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	expires = issued.Add(n.life)
	return expires, now.Before(expires) && !issued.After(now.Add(maxNonceAhead))
}

func (n *Nonces) mac(moment []byte) []byte {
	h := hmac.New(sha256.New, n.secret)
	h.Write([]byte("keychorus dpop nonce 1\x00")) // the secret may serve other purposes too
	h.Write(moment)
	return h.Sum(nil)[:macBytes]
}
