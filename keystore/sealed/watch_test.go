package sealed_test

import (
	"bytes"
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// watched are the events of a store, and when the last of them came.
type watched struct {
	events chan keystore.Event
	stop   func()
}

// watch watches until the test ends.
func watch(t *testing.T, s *sealed.Store) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{events: make(chan keystore.Event, 10_000)}
	ended := make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func(e keystore.Event) { w.events <- e }) }()
	w.stop = func() {
		cancel()
		wantError(t, "Watch", <-ended, context.Canceled)
	}
	synctest.Wait()
	return w
}

// all returns the events that have come since it was last asked.
func (w *watched) all() []keystore.Event {
	synctest.Wait()
	var all []keystore.Event
	for len(w.events) > 0 {
		all = append(all, <-w.events)
	}
	return all
}

// wantGaps wants n events, all of which say that anything may have been missed.
func (w *watched) wantGaps(t *testing.T, when string, n int) {
	t.Helper()
	all := w.all()
	if len(all) != n {
		t.Errorf("%s: %d events, want %d", when, len(all), n)
	}
	for _, e := range all {
		if !reflect.DeepEqual(e, keystore.Event{Gap: true}) {
			t.Errorf("%s: event %+v, want a gap", when, e)
		}
	}
}

func TestASaveIsAnnouncedWhole(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		w := watch(t, newStore(t, announcing{b}))
		defer w.stop()
		w.wantGaps(t, "at first", 1)
		gets := b.read(&b.gets)
		v := mustSave(t, s, record(), "")
		want := []keystore.Event{{ID: theID, Record: record(), Version: v}}
		if got := w.all(); !reflect.DeepEqual(got, want) {
			t.Errorf("events %+v, want %+v", got, want)
		}
		if now := b.read(&b.gets); now != gets {
			t.Errorf("who watches read %d times", now-gets)
		}
	})
}

func TestALargeSaveIsAHint(t *testing.T) {
	for size, whole := range map[int]bool{31 << 10: true, 33 << 10: false, 1 << 20: false} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			w := watch(t, s)
			defer w.stop()
			w.all()
			rec := record()
			rec.Document = make([]byte, size)
			mustSave(t, s, rec, "")
			all := w.all()
			if len(all) != 1 || all[0].ID != theID || all[0].Gap || (all[0].Record != nil) != whole || (all[0].Version != "") != whole {
				t.Errorf("a document of %d bytes: %d events", size, len(all))
			}
			if n := len(b.messages[0]); n > 48<<10 {
				t.Errorf("the message has %d bytes", n)
			}
		})
	}
}

// Where even the ID is large, polling finds the change.
func TestALargeIDIsNotAnnounced(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		if _, err := s.Save(t.Context(), keystore.ID{Issuer: string(make([]byte, 20<<10))}, record(), ""); err != nil || b.publishes != 0 {
			t.Errorf("Save: %v, %d messages", err, b.publishes)
		}
	})
}

func TestMessagesOfOthersAreDroppedAndCounted(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		w := watch(t, s)
		defer w.stop()
		w.all()
		mustSave(t, newStore(t, announcing{b}), record(), "")
		large := record()
		large.Document = make([]byte, 40<<10)
		if _, err := newStore(t, announcing{b}).Save(t.Context(), otherID, large, ""); err != nil {
			t.Fatal(err)
		}
		if n := len(w.all()); n != 2 || len(b.messages) != 2 {
			t.Fatalf("%d events of %d messages, want 2", n, len(b.messages))
		}
		topic, dropped := "", uint64(0)
		for topic = range b.topics {
		}
		forge := func(what string, msg []byte) {
			dropped++
			if err := (announcing{b}).Publish(t.Context(), topic, msg); err != nil {
				t.Fatal(err)
			}
			if all := w.all(); len(all) > 0 {
				t.Fatalf("where %s, a message was believed: %+v", what, all)
			}
		}
		messages := b.messages
		for _, msg := range messages {
			for i := range msg {
				forged := bytes.Clone(msg)
				forged[i] ^= 0x10
				forge("a bit is flipped", forged)
				forge("the end is cut off", msg[:i])
			}
		}
		hint := messages[1][len(messages[1])-sealSize:]
		forge("a hint names another key set", append(head(theID), hint...))
		forge("a record names another key set", append(head(otherID), messages[0][len(head(theID)):]...))
		forge("there is neither record nor seal", head(theID))
		large.Document = make([]byte, 100<<10)
		whole, err := sealed.Seal(newSecrets(t, "first"), namespace, theID, large)
		if err != nil {
			t.Fatal(err)
		}
		forge("it is too large", append(head(theID), whole...)) // whoever sealed it
		if n := s.Stats().DroppedMessages; n != dropped {
			t.Errorf("%d of %d forgeries were counted", n, dropped)
		}
		if s.Stats().SealFailures != 0 || s.Stats().Resting {
			t.Errorf("messages are counted as stored values: %+v", s.Stats())
		}
	})
}

func TestMessagesUnderPreviousSecretsAreBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		before, after := newStoreWith(t, announcing{b}, newSecrets(t, "old")), newStoreWith(t, announcing{b}, newSecrets(t, "new", "old"))
		w := watch(t, after)
		defer w.stop()
		w.wantGaps(t, "with two secrets", 2)
		mustSave(t, before, record(), "")
		want := []keystore.Event{{ID: theID, Record: record()}} // its version is not the primary's
		if got := w.all(); !reflect.DeepEqual(got, want) {
			t.Errorf("events %+v, want %+v", got, want)
		}
		_, v := mustLoad(t, after)
		rec := record()
		rec.Epoch++
		saved := mustSave(t, after, rec, v)
		want = []keystore.Event{{ID: theID, Record: rec, Version: saved}}
		if got := w.all(); !reflect.DeepEqual(got, want) {
			t.Errorf("events %+v, want %+v", got, want)
		}
	})
}

// With several secrets there are several subscriptions, and one who is told.
func TestSubscriptionsTellOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		s := newStoreWith(t, announcing{b}, newSecrets(t, "a", "b", "c"))
		ctx, cancel := context.WithCancel(t.Context())
		var inside, events atomic.Int64
		ended := make(chan error)
		go func() {
			ended <- s.Watch(ctx, func(keystore.Event) {
				if inside.Add(1) > 1 {
					t.Error("two events at a time")
				}
				time.Sleep(time.Second) // longer than it takes to save
				inside.Add(-1)
				events.Add(1)
			})
		}()
		synctest.Wait()
		for _, name := range []string{"a", "b", "c"} {
			mustSave(t, newStoreWith(t, announcing{b}, newSecrets(t, name)), record(), "")
		}
		time.Sleep(time.Minute)
		if events.Load() != 6 {
			t.Errorf("%d events, want 3 gaps and 3 records", events.Load())
		}
		cancel()
		wantError(t, "Watch", <-ended, context.Canceled)
	})
}

func TestABrokenSubscriptionIsAGapAndRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		w := watch(t, s)
		defer w.stop()
		w.wantGaps(t, "at first", 1)
		for range 3 {
			b.disconnect()
			w.wantGaps(t, "when it broke", 1)
			time.Sleep(23 * time.Second)
			if all := w.all(); len(all) != 1 {
				t.Errorf("while it is broken: %d events in 23 s, want 1", len(all))
			}
			time.Sleep(13*time.Second + time.Millisecond) // twice 15 s and a fifth
			w.wantGaps(t, "when it was renewed", 1)
		}
		if n := b.read(&b.subscribes); n != 4 {
			t.Errorf("%d subscriptions, want 4", n)
		}
		rec := record()
		mustSave(t, s, rec, "")
		if all := w.all(); len(all) != 1 || all[0].Record == nil {
			t.Errorf("after it was renewed: %+v", all)
		}
	})
}

func TestASubscriptionThatIsRefusedIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.refuseSubscribe = true
		w := watch(t, s)
		defer w.stop()
		w.wantGaps(t, "at first", 1)
		time.Sleep(time.Hour)
		if n := b.read(&b.subscribes); n < 100 || n > 150 {
			t.Errorf("it was tried %d times in an hour, want every 30 s", n)
		}
		if n := len(w.all()); n < 200 || n > 300 {
			t.Errorf("%d gaps in an hour, want one every 15 s", n)
		}
		b.set(func() { b.refuseSubscribe = false })
		time.Sleep(36*time.Second + time.Millisecond)
		w.all()
		mustSave(t, s, record(), "")
		if all := w.all(); len(all) != 1 || all[0].Record == nil {
			t.Errorf("once it was allowed: %+v", all)
		}
	})
}

func TestWithoutAnnouncementsTimeIsTheNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, newBackend())
		w := watch(t, s)
		w.wantGaps(t, "at first", 1)
		mustSave(t, s, record(), "")
		lengths := map[time.Duration]bool{}
		for range 50 {
			began := time.Now()
			if e := <-w.events; !e.Gap {
				t.Errorf("event %+v", e)
			}
			took := time.Since(began)
			lengths[took] = true
			if took < 12*time.Second || took > 18*time.Second {
				t.Errorf("a gap after %v, want 15 s give or take a fifth", took)
			}
		}
		if len(lengths) < 40 {
			t.Errorf("there were only %d intervals: a fleet would look at the same moment", len(lengths))
		}
		w.stop()
		time.Sleep(time.Hour)
		w.wantGaps(t, "after the end", 0)
	})
}

func TestWatchingWithAnEndedContextTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, b := range []sealed.Backend{newBackend(), announcing{newBackend()}} {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantError(t, "Watch", newStore(t, b).Watch(ctx, func(e keystore.Event) { t.Errorf("event %+v", e) }), context.Canceled)
		}
	})
}
