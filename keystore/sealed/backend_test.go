package sealed_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

var errDown = errors.New("the back end is down")

// wrongType stands for something that is no bytes.
var wrongType = []byte("wrong type")

// backend keeps bytes in memory by the clock of its bubble, with switches that break it.
type backend struct {
	mu     sync.Mutex
	values map[string]kept
	topics map[string]map[*subscription]bool

	down, refuseWrites, refuseSubscribe bool
	leftUnknown, quits                  bool
	slow                                time.Duration // each call takes that long, or until its context ends
	hang, hangPublish                   chan struct{} // each call waits until it is closed, whatever its context

	gets, swaps, publishes, subscribes int // calls
	inFlight, mostInFlight             int
	messages                           [][]byte // all that was published
}

type kept struct {
	value []byte
	until time.Time // zero: for ever
	wrong bool      // no bytes
}

func newBackend() *backend {
	return &backend{values: map[string]kept{}, topics: map[string]map[*subscription]bool{}}
}

// begin counts a call and lets the switches have their way.
func (b *backend) begin(ctx context.Context, count *int) error {
	b.mu.Lock()
	*count++
	b.inFlight++
	b.mostInFlight = max(b.mostInFlight, b.inFlight)
	down, quits, slow, hang := b.down, b.quits, b.slow, b.hang
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.inFlight--
	}()
	if quits {
		runtime.Goexit()
	}
	if hang != nil {
		<-hang
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if down {
		return errDown
	}
	return nil
}

func (b *backend) Get(ctx context.Context, key string) ([]byte, time.Duration, error) {
	if err := b.begin(ctx, &b.gets); err != nil {
		return nil, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.values[key]
	switch left := time.Until(e.until); {
	case !ok || !e.until.IsZero() && left <= 0:
		return nil, 0, keystore.ErrNotFound
	case e.wrong:
		return wrongType, 0, keystore.ErrUnusable
	case e.until.IsZero() || b.leftUnknown:
		return e.value, 0, nil
	default:
		return e.value, left, nil
	}
}

func (b *backend) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	if err := b.begin(ctx, &b.swaps); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuseWrites {
		return sealed.ErrRefused
	}
	e, ok := b.values[key]
	ok = ok && (e.until.IsZero() || time.Until(e.until) > 0)
	now := e.value
	if e.wrong {
		now = wrongType
	}
	if ok != (old != nil) || ok && !bytes.Equal(now, old) {
		return keystore.ErrConflict
	}
	b.values[key] = kept{value: bytes.Clone(value), until: time.Now().Add(ttl)}
	return nil
}

// put is what somebody does who may write to the back end; a zero ttl is for ever.
func (b *backend) put(key string, value []byte, ttl time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := kept{value: value}
	if ttl > 0 {
		e.until = time.Now().Add(ttl)
	}
	b.values[key] = e
}

func (b *backend) putWrongType(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = kept{wrong: true}
}

// stored returns what is under a name, and for how long.
func (b *backend) stored(key string) ([]byte, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values[key].value, time.Until(b.values[key].until)
}

// set throws switches.
func (b *backend) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// read returns a count.
func (b *backend) read(count *int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *count
}

// announcing is a backend that can tell others.
type announcing struct{ *backend }

type subscription struct {
	messages chan []byte
	broken   chan struct{} // the connection was lost
}

func (b announcing) Publish(ctx context.Context, topic string, msg []byte) error {
	if err := b.begin(ctx, &b.publishes); err != nil {
		return err
	}
	if b.hangPublish != nil {
		<-b.hangPublish
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, bytes.Clone(msg))
	for s := range b.topics[topic] {
		s.messages <- msg
	}
	return nil
}

func (b announcing) Subscribe(ctx context.Context, topic string, on func([]byte), gap func()) error {
	b.mu.Lock()
	b.subscribes++
	if b.refuseSubscribe {
		b.mu.Unlock()
		return sealed.ErrRefused
	}
	s := &subscription{make(chan []byte, 1024), make(chan struct{})}
	if b.topics[topic] == nil {
		b.topics[topic] = map[*subscription]bool{}
	}
	b.topics[topic][s] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.topics[topic], s)
	}()
	gap()
	for {
		select {
		case msg := <-s.messages:
			on(msg)
		case <-s.broken:
			return errDown
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// disconnect breaks all subscriptions.
func (b *backend) disconnect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, all := range b.topics {
		for s := range all {
			close(s.broken)
		}
		clear(all)
	}
}
