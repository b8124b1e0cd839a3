package rediskeystore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

func TestEveryWatcherHearsOfEverySave(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	stores := fleet(t, s, 8)
	var all []<-chan keystore.Event
	for _, store := range stores {
		events, _ := watch(t, store)
		all = append(all, events)
	}
	v := keystore.Version("")
	for n := range 10 {
		v = mustSave(t, stores[n%8], n, v)
		for i, events := range all {
			e := nextEvent(t, events, func(e keystore.Event) bool { return !e.Gap })
			if e.ID != testID || e.Version != v || e.Record == nil || string(e.Record.Document) != string(record(testID, n).Document) {
				t.Errorf("save %d, watcher %d: %+v", n, i, e)
			}
		}
	}
}

// A message that is lost with its connection shows as a gap, after which everything is there.
func TestALostSubscriptionIsAGap(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	stores := fleet(t, s, 8)
	var all []<-chan keystore.Event
	for _, store := range stores {
		events, _ := watch(t, store)
		all = append(all, events)
	}
	v := mustSave(t, stores[0], 1, "")
	for _, events := range all {
		nextEvent(t, events, func(e keystore.Event) bool { return e.Version == v })
	}
	if killed := do(t, s, "client", "kill", "type", "pubsub"); killed != int64(len(stores)) {
		t.Errorf("%v subscriptions were killed", killed)
	}
	mustSave(t, stores[0], 2, v)
	for i, events := range all {
		nextEvent(t, events, func(e keystore.Event) bool { return e.Gap })
		wantRecord(t, stores[i], 2)
	}
}

func TestASubscriptionOutlivesItsServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	store := newStore(t, connect(t, s.Options()))
	events, _ := watch(t, store)
	must(t, s.Kill())
	eventually(t, "nobody answers", func() bool {
		_, _, err := store.Load(t.Context(), testID)
		return errors.Is(err, keystore.ErrUnavailable)
	})
	must(t, s.Restart(t.Context()))
	nextEvent(t, events, func(e keystore.Event) bool { return e.Gap })
	eventually(t, "changes arrive again", func() bool {
		_, err := store.Save(t.Context(), testID, record(testID, 1), "")
		return err == nil || errors.Is(err, keystore.ErrConflict)
	})
	nextEvent(t, events, func(e keystore.Event) bool { return e.Record != nil })
}

func TestARefusedSubscriptionIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	do(t, s, "acl", "setuser", "deaf", "on", "nopass", "~*", "&*", "+@all", "-subscribe")
	o := patient(s)
	o.Username, o.Password = "deaf", "any"
	client := connect(t, o)
	err := newBackend(client).Subscribe(t.Context(), "topic", func([]byte) {}, func() { t.Error("it began") })
	if n := client.PoolStats().PubSubStats.Active; n != 0 {
		t.Errorf("%d connections are left", n)
	}
	if !errors.Is(err, sealed.ErrRefused) || err.Error() != "rediskeystore: subscribe: the server answers NOPERM" {
		t.Errorf("Subscribe: %v", err)
	}
}

// The right may be taken away later: the client would only notice that nothing comes any more.
func TestASubscriptionThatIsRefusedLaterIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	do(t, s, "acl", "setuser", "deaf", "on", "nopass", "~*", "&*", "+@all")
	o := patient(s)
	o.Username, o.Password = "deaf", "any"
	began := make(chan struct{}, 1)
	done := make(chan error, 1)
	b := newBackend(connect(t, o))
	go func() {
		done <- b.Subscribe(t.Context(), "topic", func([]byte) {}, func() { began <- struct{}{} })
	}()
	next(t, began)
	do(t, s, "acl", "setuser", "deaf", "-subscribe")
	do(t, s, "client", "kill", "type", "pubsub")
	wantErr(t, "Subscribe", next(t, done), sealed.ErrRefused)
}

func TestMessagesComeOneAtATimeAndNotAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := newBackend(connect(t, patient(s)))
	ctx, cancel := context.WithCancel(t.Context())
	began, done := make(chan struct{}, 1), make(chan error, 1)
	var inside, heard, ended atomic.Int64
	on := func(msg []byte) {
		if inside.Add(1) != 1 || ended.Load() != 0 {
			t.Error("two calls at a time, or one after the end")
		}
		if want := fmt.Sprint(heard.Add(1) - 1); string(msg) != want {
			t.Errorf("message %q, want %q", msg, want)
		}
		inside.Add(-1)
	}
	go func() {
		err := b.Subscribe(ctx, "topic", on, func() { began <- struct{}{} })
		ended.Add(1)
		done <- err
	}()
	next(t, began)
	for i := range 500 {
		must(t, b.Publish(t.Context(), "topic", fmt.Append(nil, i)))
	}
	eventually(t, "all messages", func() bool { return heard.Load() == 500 })
	cancel()
	wantErr(t, "Subscribe", next(t, done), context.Canceled)
	must(t, b.Publish(t.Context(), "topic", []byte("late")))
}

// What ends while the client hangs ends nevertheless, and leaves nothing when the client lets go.
func TestEndingDuringAStallLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, connect := range stalled() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := connect(t)
			store, err := New(client, newSecrets(t, fleetSecret))
			must(t, err)
			count := labelled(t, func(ctx context.Context) {
				ctx, cancel := context.WithCancel(ctx)
				done := make(chan error, 2)
				go func() { done <- store.Watch(ctx, func(keystore.Event) {}) }()
				go func() { _, _, err := store.TryLease(ctx, testID); done <- err }()
				time.Sleep(20 * time.Millisecond) // they are on their way, or not: both are to end
				cancel()
				for range 2 {
					select {
					case err := <-done:
						wantErr(t, "what was under way", err, context.Canceled)
					case <-time.After(4 * time.Second): // the client takes 5 s
						t.Error("something does not end")
					}
				}
			})
			_ = client.Close()
			eventually(t, "all goroutines have ended", func() bool { return count() == 0 })
		})
	}
}

func TestEndingWhileSubscribedLeavesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := redis.NewClient(&redis.Options{Addr: s.Addr()})
	store := newStore(t, client)
	count := labelled(t, func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		began, done := make(chan struct{}, 1), make(chan error, 1)
		go func() { done <- store.Watch(ctx, func(keystore.Event) { began <- struct{}{} }) }()
		next(t, began)
		if lease, _, err := store.TryLease(ctx, testID); lease == nil || err != nil {
			t.Errorf("TryLease: %v", err)
		}
		cancel()
		wantErr(t, "Watch", next(t, done), context.Canceled)
	})
	within(t, checkEvery/3, "the subscription is closed", func() bool { return subscribers(t, s) == 0 })
	must(t, client.Close())
	eventually(t, "all goroutines have ended", func() bool { return count() == 0 })
}

func subscribers(t *testing.T, s *redisserver.Server) int {
	t.Helper()
	channels, _ := do(t, s, "pubsub", "channels").([]any)
	return len(channels)
}

// A connection that is open and dead is noticed by the sign of life that it does not give.
func TestASilentSubscriptionIsReplaced(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := newBackend(connect(t, s.Options()))
	b.checkEvery, b.checkTimeout = 100*time.Millisecond, 300*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var began atomic.Int64
	done := make(chan error, 1)
	go func() { done <- b.Subscribe(ctx, "topic", func([]byte) {}, func() { began.Add(1) }) }()
	eventually(t, "it begins", func() bool { return began.Load() == 1 })
	pings := func() int {
		info, _ := do(t, s, "info", "commandstats").(string)
		_, count, _ := strings.Cut(info, "cmdstat_ping:calls=")
		count, _, _ = strings.Cut(count, ",")
		n, _ := strconv.Atoi(count)
		return n
	}
	was := pings()
	eventually(t, "it asks for signs of life", func() bool { return pings() >= was+8 })
	if began.Load() != 1 {
		t.Error("a subscription that answers was replaced")
	}
	must(t, s.Freeze())
	time.Sleep(time.Second) // longer than it may be silent
	must(t, s.Thaw())
	eventually(t, "it begins again", func() bool { return began.Load() > 1 })
	cancel()
	wantErr(t, "Subscribe", next(t, done), context.Canceled)
}

// The client panics when it is asked to subscribe and knows no live server.
func TestARingWithoutALiveServerIsAwaited(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ring := closing(t, redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": s.Addr()}, HeartbeatFrequency: 10 * time.Millisecond}))
	must(t, s.Kill())
	eventually(t, "the ring knows", func() bool {
		err := ring.Publish(t.Context(), "topic", "").Err()
		return err != nil && strings.Contains(err.Error(), "shards are down")
	})
	b := newBackend(ring)
	ctx, cancel := context.WithCancel(t.Context())
	began, done := make(chan struct{}, 1), make(chan error, 1)
	go func() { done <- b.Subscribe(ctx, "topic", func([]byte) {}, func() { began <- struct{}{} }) }()
	time.Sleep(50 * time.Millisecond) // it is asked at once
	must(t, s.Restart(t.Context()))
	select {
	case <-began:
	case err := <-done:
		t.Errorf("Subscribe gave up: %v", err)
	case <-time.After(30 * time.Second):
		t.Error("it does not begin")
	}
	cancel()
	wantErr(t, "Subscribe", next(t, done), context.Canceled)
}
