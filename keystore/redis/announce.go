package rediskeystore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore/sealed"
)

const (
	// checkEvery is how long a subscription may be silent before it is asked for a sign of
	// life: the client's own 3 s would be most of the load of a large fleet.
	checkEvery = 30 * time.Second
	// checkTimeout is how long it has for the answer.
	checkTimeout = 5 * time.Second
	// minPause and maxPause are between attempts to subscribe, give or take a half.
	minPause, maxPause = 100 * time.Millisecond, 5 * time.Second
)

var errPanicked = errors.New("the client panicked")

// Publish tells whoever is subscribed to topic. On a cluster the message reaches every node.
func (b *backend) Publish(ctx context.Context, topic string, msg []byte) error {
	if err := ctx.Err(); err != nil {
		return failure("publish", err)
	}
	return failure("publish", b.client.Publish(ctx, topic, msg).Err())
}

// Subscribe returns at once when ctx ends, whatever the client is waiting for; what it has
// started ends as soon as the client lets go. It connects again, with a gap, for as long as
// it takes, and returns an error if the server refuses.
func (b *backend) Subscribe(ctx context.Context, topic string, on func(msg []byte), gap func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan any)
	go func() {
		err := b.follow(ctx, topic, events)
		select {
		case events <- err:
		case <-ctx.Done():
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return failure("subscribe", ctx.Err())
		case event := <-events:
			switch e := event.(type) {
			case *redis.Subscription:
				gap()
			case *redis.Message:
				on([]byte(e.Payload))
			case error:
				return e
			}
		}
	}
}

// follow sends to events what arrives, until ctx ends or the server refuses.
func (b *backend) follow(ctx context.Context, topic string, events chan<- any) error {
	wait := minPause
	for {
		heard, err := b.listen(ctx, topic, events)
		err = failure("subscribe", err)
		if ctx.Err() != nil || errors.Is(err, sealed.ErrRefused) {
			return err
		}
		if heard {
			wait = minPause
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)): // spread, since a server loses all at once
		case <-ctx.Done():
			return failure("subscribe", ctx.Err())
		}
		wait = min(2*wait, maxPause)
	}
}

// listen keeps up one subscription, and tells whether it ever began. Not by the channels of
// the client: they hide a refusal, and hold on to what they were doing when closed.
func (b *backend) listen(ctx context.Context, topic string, events chan<- any) (heard bool, err error) {
	defer func() {
		if r := recover(); r != nil { // a Ring without a live node panics in Subscribe
			err = errPanicked
		}
	}()
	sub := b.client.Subscribe(ctx, topic)
	closeSub := func() { _ = sub.Close() }
	defer closeSub()
	defer context.AfterFunc(ctx, closeSub)()
	// Any message is as good as an answer to the question.
	ask := time.AfterFunc(b.checkEvery, func() { _ = sub.Ping(ctx) })
	defer ask.Stop()
	giveUp := time.AfterFunc(b.checkEvery+b.checkTimeout, closeSub)
	defer giveUp.Stop()
	broken := false
	for {
		event, err := sub.Receive(ctx)
		if err != nil {
			if broken || ctx.Err() != nil || replyCode(err) != "" {
				return heard, err
			}
			broken = true // the client itself has connected again, or tried to
			continue
		}
		heard, broken = true, false
		ask.Reset(b.checkEvery)
		giveUp.Reset(b.checkEvery + b.checkTimeout)
		select {
		case events <- event:
		case <-ctx.Done():
			return heard, ctx.Err()
		}
	}
}
