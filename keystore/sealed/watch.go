package sealed

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

const (
	// maxPush is the largest envelope that is announced whole; for a larger one the others
	// are told to look.
	maxPush = 32 << 10
	// maxMessage leaves room for the ID.
	maxMessage = maxPush + 16<<10
	hintLabel  = "keychorus/hint/1"
	// pollInterval is how often a back end without announcements is said to have changed.
	pollInterval = 15 * time.Second
	// resubscribe is the time between two subscriptions that are refused.
	resubscribe = 30 * time.Second
)

// announce tells the others what is stored. A message names the ID, and carries the envelope
// or, for one that is too large, a seal of its own.
func (s *Store) announce(ctx context.Context, id keystore.ID, envelope []byte) {
	announcer, ok := s.backend.(Announcer)
	if !ok || !s.heard.news(id, envelope) {
		return
	}
	primary := &s.secrets.ring[0]
	msg := appendString(appendString(nil, id.Issuer), id.JWKSURL)
	if len(msg) > maxMessage-maxPush {
		return // polling finds it
	}
	if len(envelope) <= maxPush {
		msg = append(msg, envelope...)
	} else {
		msg = append(msg, primary.mac(nil, hintLabel, s.namespace, id.Issuer, id.JWKSURL)...)
	}
	_, _ = call(ctx, s.pushes, "announce", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, announcer.Publish(ctx, s.topic(primary), msg)
	})
}

// heard remembers what everybody has heard of an ID. Putting back what was lost is no news:
// if a whole fleet announced to a whole fleet, whoever keeps destroying a record would find a
// lever in it.
type heard struct {
	mu   sync.Mutex
	last map[keystore.ID][sha256.Size]byte
}

// maxHeard bounds the memory; forgetting costs an announcement.
const maxHeard = 4096

// news notes an envelope and tells whether it was another than the last.
func (h *heard) news(id keystore.ID, envelope []byte) bool {
	sum := sha256.Sum256(envelope)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil || len(h.last) >= maxHeard {
		h.last = make(map[keystore.ID][sha256.Size]byte)
	}
	was := h.last[id]
	h.last[id] = sum
	return was != sum
}

// event reads a message, or returns false if it is not to be believed.
func (s *Store) event(sec *secret, msg []byte) (keystore.Event, bool) {
	if len(msg) > maxMessage {
		return keystore.Event{}, false
	}
	r := reader{rest: msg}
	id := keystore.ID{Issuer: string(r.bytes()), JWKSURL: string(r.bytes())}
	switch {
	case r.short:
		return keystore.Event{}, false
	case len(r.rest) == macSize:
		ok := hmac.Equal(r.rest, sec.mac(nil, hintLabel, s.namespace, id.Issuer, id.JWKSURL))
		return keystore.Event{ID: id}, ok
	}
	rec, err := sec.open(s.namespace, id, r.rest)
	if err != nil {
		return keystore.Event{}, false
	}
	s.heard.news(id, r.rest)
	e := keystore.Event{ID: id, Record: rec}
	if sec == &s.secrets.ring[0] {
		e.Version = versionOf(r.rest)
	}
	return e, true
}

// Watch implements [keystore.Coordinator]. Messages that this fleet did not seal are dropped.
// On is told when watching begins that changes may have been missed, and again every 15 s while
// the back end cannot announce or refuses to; one that refuses is asked again every 30 s.
func (s *Store) Watch(ctx context.Context, on func(keystore.Event)) error {
	turn := make(chan struct{}, 1) // several subscriptions, one call at a time
	tell := func(e keystore.Event) {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return
		}
		defer func() { <-turn }()
		if ctx.Err() == nil {
			on(e)
		}
	}
	announcer, ok := s.backend.(Announcer)
	if !ok {
		for tell(keystore.Event{Gap: true}); pause(ctx, pollInterval); {
			tell(keystore.Event{Gap: true})
		}
		return fmt.Errorf("sealed: watch: %w", ctx.Err())
	}
	var wg sync.WaitGroup
	for i := range s.secrets.ring {
		wg.Go(func() { s.follow(ctx, announcer, &s.secrets.ring[i], tell) })
	}
	wg.Wait()
	return fmt.Errorf("sealed: watch: %w", ctx.Err())
}

// follow keeps up the subscription of one secret until ctx ends.
func (s *Store) follow(ctx context.Context, announcer Announcer, sec *secret, tell func(keystore.Event)) {
	on := func(msg []byte) {
		if e, ok := s.event(sec, msg); ok {
			tell(e)
		} else {
			s.counts.dropped.Add(1)
		}
	}
	gap := func() { tell(keystore.Event{Gap: true}) }
	for {
		_ = announcer.Subscribe(ctx, s.topic(sec), on, gap)
		for range resubscribe / pollInterval { // meanwhile as without announcements
			gap()
			if !pause(ctx, pollInterval) {
				return
			}
		}
	}
}

// pause waits for d, give or take a fifth, and returns false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d - d/5 + rand.N(2*d/5))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
