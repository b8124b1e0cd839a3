package rediskeystore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// damaged returns every single-bit flip and every truncation of a value, and extensions.
func damaged(value []byte) (all [][]byte) {
	for bit := range 8 * len(value) {
		c := bytes.Clone(value)
		c[bit/8] ^= 1 << (bit % 8)
		all = append(all, c)
	}
	for n := range value {
		all = append(all, value[:n])
	}
	for range 200 {
		extra := make([]byte, 1+rand.IntN(64))
		for i := range extra {
			extra[i] = byte(rand.Uint32())
		}
		all = append(all, append(bytes.Clone(value), extra...), append(bytes.Clone(extra), value...), extra)
	}
	return all
}

// spliced returns what begins like one value and ends like the other.
func spliced(one, other []byte) (all [][]byte) {
	for i := 1; i < min(len(one), len(other)); i++ {
		all = append(all, append(bytes.Clone(one[:i]), other[i:]...), append(bytes.Clone(other[:i]), one[i:]...))
	}
	return all
}

// stored saves a record and returns its bytes.
func stored(t *testing.T, client *redis.Client, s *sealed.Store, id keystore.ID, n int) []byte {
	t.Helper()
	if _, err := s.Save(t.Context(), id, record(id, n), ""); err != nil {
		t.Fatal(err)
	}
	return []byte(client.GetDel(t.Context(), nameOf(t, s, id, "set")).Val())
}

func TestNothingIsLoadedThatTheFleetDidNotSeal(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := connect(t, patient(s))
	store := newStore(t, client)
	url := keystore.ID{Issuer: testID.Issuer, JWKSURL: testID.Issuer + "/keys"}
	longer := keystore.ID{Issuer: testID.Issuer + "/"}
	genuine := stored(t, client, store, testID, 1)
	// Whole values of other places are as bad as broken ones of this place.
	moved := [][]byte{
		stored(t, client, store, url, 1), stored(t, client, store, longer, 1),
		stored(t, client, newStore(t, client, sealed.WithNamespace("other")), testID, 1),
		stored(t, client, newStoreWith(t, client, newSecrets(t, secondSecret)), testID, 1),
		[]byte(`{"keys":[]}`), {}, wrongType, make([]byte, 2<<20), make([]byte, 3<<20),
	}
	if _, _, err := store.TryLease(t.Context(), testID); err != nil {
		t.Fatal(err)
	}
	moved = append(moved, []byte(client.Get(t.Context(), nameOf(t, store, testID, "lease")).Val()))
	second := stored(t, client, store, testID, 2)
	all := append(damaged(genuine), damaged(second)...)
	all = append(append(all, spliced(genuine, second)...), moved...)
	for len(all) < 12_000 {
		c := bytes.Clone(genuine)
		for range 2 + rand.IntN(8) {
			c[rand.IntN(len(c))] ^= byte(1 + rand.IntN(255))
		}
		all = append(all, c)
	}

	name := nameOf(t, store, testID, "set")
	var tried, kept atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 { // each on a name of its own would need seals of its own: databases do
		o := patient(s)
		o.DB = worker
		client := connect(t, o)
		store := newStore(t, client)
		wg.Go(func() {
			for i := worker; i < len(all) && !t.Failed(); i += 8 {
				value := all[i]
				if bytes.Equal(value, genuine) || bytes.Equal(value, second) {
					continue // a splice may be one of them
				}
				client.Set(t.Context(), name, value, 0)
				rec, v, err := store.Load(t.Context(), testID)
				if rec != nil || !errors.Is(err, keystore.ErrUnusable) || v == "" {
					t.Errorf("value %d of %d bytes: %v, version of %d bytes, %v", i, len(value), rec, len(v), err)
				}
				tried.Add(1)
			}
			kept.Add(int64(store.Stats().SealFailures))
		})
	}
	wg.Wait()
	if tried.Load() < 10_000 || kept.Load() != tried.Load() {
		t.Errorf("%d values tried, %d seal failures counted", tried.Load(), kept.Load())
	}
	client.Set(t.Context(), name, genuine, 0)
	wantRecord(t, store, 1)
}

// What cannot be believed can be saved over, by exactly one.
func TestWhateverIsStoredCanBeSavedOver(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := connect(t, patient(s))
	store := newStore(t, client)
	name := nameOf(t, store, testID, "set")
	for what, put := range map[string]func(){
		"garbage":      func() { client.Set(t.Context(), name, "garbage", 0) },
		"empty":        func() { client.Set(t.Context(), name, "", 0) },
		"2 MiB":        func() { client.Set(t.Context(), name, strings.Repeat("x", 2<<20), 0) },
		"20 MiB":       func() { client.Set(t.Context(), name, strings.Repeat("x", 20<<20), 0) },
		"a list":       func() { client.RPush(t.Context(), name, "a", "b") },
		"a set":        func() { client.SAdd(t.Context(), name, "a") },
		"a stream":     func() { client.XAdd(t.Context(), &redis.XAddArgs{Stream: name, Values: []string{"a", "b"}}) },
		"its stand-in": func() { client.Set(t.Context(), name, wrongType, 0) },
	} {
		client.Del(t.Context(), name)
		put()
		rec, v, err := store.Load(t.Context(), testID)
		if rec != nil || !errors.Is(err, keystore.ErrUnusable) {
			t.Errorf("%s: %v, %v", what, rec, err)
			continue
		}
		if _, err := store.Save(t.Context(), testID, record(testID, 1), "something else"); !errors.Is(err, keystore.ErrConflict) {
			t.Errorf("%s: saved over another version: %v", what, err)
		}
		next := mustSave(t, store, 1, v)
		if _, err := store.Save(t.Context(), testID, record(testID, 2), v); !errors.Is(err, keystore.ErrConflict) {
			t.Errorf("%s: saved over twice: %v", what, err)
		}
		if got := wantRecord(t, store, 1); got != next {
			t.Errorf("%s: another version", what)
		}
	}
}

func TestAForgedLeaseIsTakenOver(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := connect(t, patient(s))
	store := newStore(t, client)
	name := nameOf(t, store, testID, "lease")
	for what, put := range map[string]func(){
		"text":           func() { client.Set(t.Context(), name, "mine", 0) },
		"empty":          func() { client.Set(t.Context(), name, "", 0) },
		"a list":         func() { client.RPush(t.Context(), name, "a") },
		"another's":      func() { client.Set(t.Context(), name, leaseOf(t, client, keystore.ID{Issuer: "other"}), 0) },
		"20 MiB of it":   func() { client.Set(t.Context(), name, strings.Repeat("x", 20<<20), 0) },
		"nothing at all": func() {},
	} {
		client.Del(t.Context(), name)
		put()
		lease, hold, err := store.TryLease(t.Context(), testID)
		if lease == nil || err != nil {
			t.Errorf("%s: not granted: %+v, %v", what, hold, err)
		}
		if again, hold, err := store.TryLease(t.Context(), testID); again != nil || !hold.Fetching || err != nil {
			t.Errorf("%s: granted twice, or not held: %+v, %v", what, hold, err)
		}
	}
	if got := store.Stats().LeasesTakenOver; got != 5 {
		t.Errorf("%d leases taken over, want 5", got)
	}
}

func leaseOf(t *testing.T, client *redis.Client, id keystore.ID) string {
	t.Helper()
	store := newStore(t, client)
	if _, _, err := store.TryLease(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return client.GetDel(t.Context(), nameOf(t, store, id, "lease")).Val()
}

func TestForgedMessagesAreDropped(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := connect(t, patient(s))
	store := newStore(t, client)
	topic := topicOf(t, store)
	sub := closingSub(t, client, topic)
	mustSave(t, store, 1, "")
	msg, err := sub.ReceiveMessage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	genuine := []byte(msg.Payload)
	events, _ := watch(t, store)
	forged := append(damaged(genuine), []byte{}, []byte("drop all"), make([]byte, 1<<20))
	before := store.Stats().DroppedMessages
	for _, f := range forged {
		client.Publish(t.Context(), topic, f)
	}
	client.Publish(t.Context(), topic, genuine)
	e := nextEvent(t, events, func(e keystore.Event) bool { return !e.Gap })
	if e.Record == nil || !bytes.Equal(e.Record.Document, record(testID, 1).Document) {
		t.Errorf("the first event is %+v, want the genuine one", e)
	}
	if got := store.Stats().DroppedMessages - before; got != uint64(len(forged)) {
		t.Errorf("%d of %d forged messages dropped", got, len(forged))
	}
}

func closingSub(t *testing.T, client *redis.Client, topic string) *redis.PubSub {
	t.Helper()
	sub := client.Subscribe(t.Context(), topic)
	t.Cleanup(func() { _ = sub.Close() })
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sub
}

// Writers of half a gigabyte are no more expensive than others.
func TestWhatIsReadOfAValueIsBounded(t *testing.T) {
	t.Parallel()
	client := connect(t, patient(startServer(t)))
	client.Set(t.Context(), "large", strings.Repeat("x", 64<<20), 0)
	value, _, err := newBackend(client).Get(t.Context(), "large")
	if err != nil || len(value) != maxValue {
		t.Errorf("%d bytes, %v; want %d", len(value), err, maxValue)
	}
	err = newBackend(client).Swap(t.Context(), "large", nil, make([]byte, maxValue+1), 1)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxValue)) {
		t.Errorf("a value that could not be read back: %v", err)
	}
}
