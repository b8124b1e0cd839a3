package fleet_test

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// The costs of a Redis server, which serves one after the other.
const (
	tripCost      = 7 * time.Microsecond // one command, there and back
	pipelinedCost = 2 * time.Microsecond // each further one of the same round trip
	deliveryCost  = 9 * time.Microsecond // one subscriber of one message
	pingEvery     = 30 * time.Second     // a silent subscription asks for a sign of life
)

// server is a made-up Redis server for virtual time. Commands are carried out in the order in
// which they arrive, and answered when their turn is over.
type server struct {
	mu     sync.Mutex
	freeAt time.Time
	data   map[string]datum
	subs   map[string]map[*subscriber]struct{}
	usage
}

type datum struct {
	value   []byte
	expires time.Time
}

// usage is what the server has done.
type usage struct {
	trips, messages int
	busy, queue     time.Duration // queue is the longest anybody had to wait
}

var (
	_ sealed.Backend   = (*server)(nil)
	_ sealed.Announcer = (*server)(nil)
)

func newServer() *server {
	return &server{data: map[string]datum{}, subs: map[string]map[*subscriber]struct{}{}}
}

// serve carries f out in turn, and waits for the answer as long as ctx lets it.
func (s *server) serve(ctx context.Context, cost time.Duration, f func(began time.Time)) error {
	s.mu.Lock()
	now := time.Now()
	began := now
	if s.freeAt.After(now) {
		began = s.freeAt
	}
	s.freeAt = began.Add(cost)
	s.trips++
	s.busy += cost
	s.queue = max(s.queue, began.Sub(now))
	f(began)
	wait := s.freeAt.Sub(now)
	s.mu.Unlock()
	return sleep(ctx, wait)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// get returns what has not expired. The caller is in f of serve.
func (s *server) get(key string, at time.Time) (datum, bool) {
	d, ok := s.data[key]
	return d, ok && at.Before(d.expires)
}

func (s *server) Get(ctx context.Context, key string) (value []byte, left time.Duration, err error) {
	var d datum
	var found bool
	err = s.serve(ctx, tripCost+pipelinedCost, func(began time.Time) { // GETRANGE, PTTL
		if d, found = s.get(key, began); found {
			left = d.expires.Sub(began)
		}
	})
	switch {
	case err != nil:
		return nil, 0, err
	case !found:
		return nil, 0, keystore.ErrNotFound
	default:
		return d.value, left, nil
	}
}

func (s *server) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	cost := tripCost // SET NX
	if old != nil {  // WATCH; GETRANGE, PTTL; MULTI, SET, EXEC
		cost = 3*tripCost + 3*pipelinedCost
	}
	conflict := false
	err := s.serve(ctx, cost, func(began time.Time) {
		d, found := s.get(key, began)
		if conflict = found != (old != nil) || found && !bytes.Equal(d.value, old); !conflict {
			s.data[key] = datum{bytes.Clone(value), began.Add(ttl)}
		}
	})
	if err == nil && conflict {
		return keystore.ErrConflict
	}
	return err
}

// subscriber is one connection that waits for messages.
type subscriber struct {
	mu      sync.Mutex
	pending []message
	news    chan struct{}
}

// message arrives at its time; without text the connection was lost and made again.
type message struct {
	at   time.Time
	text []byte
}

func (b *subscriber) push(m message) {
	b.mu.Lock()
	b.pending = append(b.pending, m)
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
}

func (b *subscriber) take() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.pending
	b.pending = nil
	return all
}

func (s *server) Publish(ctx context.Context, topic string, msg []byte) error {
	s.mu.Lock()
	cost := tripCost + time.Duration(len(s.subs[topic]))*deliveryCost
	s.mu.Unlock()
	return s.serve(ctx, cost, func(began time.Time) {
		s.messages++
		at := began.Add(tripCost)
		for b := range s.subs[topic] {
			at = at.Add(deliveryCost)
			b.push(message{at, msg})
		}
	})
}

func (s *server) Subscribe(ctx context.Context, topic string, on func([]byte), gap func()) error {
	b := &subscriber{news: make(chan struct{}, 1)}
	err := s.serve(ctx, tripCost, func(time.Time) {
		if s.subs[topic] == nil {
			s.subs[topic] = map[*subscriber]struct{}{}
		}
		s.subs[topic][b] = struct{}{}
	})
	defer func() {
		s.mu.Lock()
		delete(s.subs[topic], b)
		s.mu.Unlock()
	}()
	if err != nil {
		return err
	}
	gap()
	ping := time.NewTimer(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ping.C:
			if err := s.serve(ctx, tripCost, func(time.Time) {}); err != nil {
				return err
			}
		case <-b.news:
			for _, m := range b.take() {
				if err := sleep(ctx, time.Until(m.at)); err != nil {
					return err
				}
				if m.text == nil {
					gap()
				} else {
					on(m.text)
				}
			}
		}
		ping.Reset(pingEvery)
	}
}

// freeze keeps the server from answering for d. What is sent meanwhile is carried out after.
func (s *server) freeze(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.freeAt.Before(now) {
		s.freeAt = now
	}
	s.freeAt = s.freeAt.Add(d)
}

// replace is a restart or failover: the server goes on with other data, and all subscribers
// connect again.
func (s *server) replace(data map[string]datum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = map[string]datum{}
	maps.Copy(s.data, data)
	now := time.Now()
	for _, subs := range s.subs {
		for b := range subs {
			b.push(message{at: now.Add(50*time.Millisecond + rand.N(100*time.Millisecond))})
		}
	}
}

func (s *server) copy() map[string]datum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.data)
}

// used returns what the server has done since it was last asked.
func (s *server) used() usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.usage
	s.usage = usage{}
	return u
}
