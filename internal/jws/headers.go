package jws

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxHeaders bounds what is remembered: an issuer signs all its tokens with a handful
	// of headers.
	maxHeaders = 64
	// headersTime is how long what is full stays as it is. Then it starts anew, so that the
	// headers of keys that are gone make room.
	headersTime = 10 * time.Minute
)

// Headers remembers headers of messages whose signature held, under their very bytes, so that
// they need not be read again. The zero Headers is empty and ready for use; its methods are
// safe for concurrent use, and Parse takes no lock. All calls must use the same [Limits].
type Headers struct {
	known atomic.Pointer[map[string]header]

	mu    sync.Mutex
	since time.Time
}

// Parse is [Parse] with the help of what is remembered, into a zero message of the caller's,
// which is then as good as none if there is an error. Limits.Proof is not supported.
func (h *Headers) Parse(m *Message, token string, lim Limits) error { return m.parse(token, lim, h) }

// recall returns the header that a segment stands for, if it is known. A nil Headers knows
// none.
func (h *Headers) recall(segment string) (header, bool) {
	if h == nil {
		return header{}, false
	}
	known := h.known.Load()
	if known == nil {
		return header{}, false
	}
	found, ok := (*known)[segment]
	return found, ok
}

// Remember notes the header of a message whose signature held: nobody else can fill this.
func (h *Headers) Remember(m *Message) {
	if m.recalled || m.jwk != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	old := map[string]header{}
	if known := h.known.Load(); known != nil {
		old = *known
	}
	now := time.Now()
	if len(old) >= maxHeaders {
		if now.Sub(h.since) < headersTime {
			return
		}
		old = nil
	}
	grown := make(map[string]header, len(old)+1)
	maps.Copy(grown, old)
	segment, _, _ := strings.Cut(m.signed, ".")
	grown[strings.Clone(segment)] = m.header
	if len(grown) == 1 {
		h.since = now
	}
	h.known.Store(&grown)
}
