package rediskeystore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// TestMain also runs this program as one of the processes of the tests in process_test.go.
func TestMain(m *testing.M) {
	if runRole() {
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // they wait more than they work
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	fleetSecret  = "the secret of the fleet, for tests only"
	secondSecret = "another secret of it, made for tests too"
)

var testID = keystore.ID{Issuer: "https://issuer.example.test"}

func startServer(tb testing.TB, args ...string) *redisserver.Server {
	tb.Helper()
	s, err := redisserver.Start(tb.Context(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	return s
}

// patient are settings for tests about what is answered, not about when.
func patient(s *redisserver.Server) *redis.Options {
	o := s.Options()
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 10*time.Second, 10*time.Second, 10*time.Second, 10*time.Second
	return o
}

func connect(tb testing.TB, o *redis.Options) *redis.Client {
	tb.Helper()
	return closing(tb, redis.NewClient(o))
}

func closing[C redis.UniversalClient](tb testing.TB, client C) C {
	tb.Helper()
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func newSecrets(tb testing.TB, primary string, previous ...string) *sealed.Secrets {
	tb.Helper()
	var others [][]byte
	for _, p := range previous {
		others = append(others, []byte(p))
	}
	s, err := sealed.NewSecrets([]byte(primary), others...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// newStore returns a store that waits; options may say otherwise.
func newStore(tb testing.TB, client redis.UniversalClient, opts ...sealed.Option) *sealed.Store {
	tb.Helper()
	return newStoreWith(tb, client, newSecrets(tb, fleetSecret), opts...)
}

func newStoreWith(tb testing.TB, client redis.UniversalClient, secrets *sealed.Secrets, opts ...sealed.Option) *sealed.Store {
	tb.Helper()
	s, err := New(client, secrets, append([]sealed.Option{sealed.WithTimeout(10 * time.Second)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// record returns a record that is told apart by n.
func record(id keystore.ID, n int) *keystore.Record {
	return &keystore.Record{
		ID: id, Document: fmt.Appendf(nil, `{"keys":[],"n":%d}`, n), FetchedAt: time.Unix(1_900_000_000, 0).Add(time.Duration(n) * time.Second),
		FreshFor: time.Minute, UsableFor: time.Hour, ETag: fmt.Sprintf(`"%d"`, n), Denied: []string{"denied"}, Epoch: 1,
	}
}

func mustSave(tb testing.TB, s *sealed.Store, n int, base keystore.Version) keystore.Version {
	tb.Helper()
	v, err := s.Save(tb.Context(), testID, record(testID, n), base)
	if err != nil {
		tb.Fatalf("Save: %v", err)
	}
	return v
}

// wantRecord loads the record and says which it has to be.
func wantRecord(tb testing.TB, s *sealed.Store, n int) keystore.Version {
	tb.Helper()
	rec, v, err := s.Load(tb.Context(), testID)
	if err != nil {
		tb.Fatalf("Load: %v", err)
	}
	if string(rec.Document) != string(record(testID, n).Document) {
		tb.Errorf("loaded %s, want number %d", rec.Document, n)
	}
	return v
}

func wantErr(tb testing.TB, what string, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Errorf("%s: %v; want %v", what, err, want)
	}
}

// nameOf returns the name under which a store keeps a record, or its lease.
func nameOf(tb testing.TB, s *sealed.Store, id keystore.ID, kind string) string {
	tb.Helper()
	all, err := s.Inspect(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSuffix(all[0].Name, "set") + kind
}

// topicOf returns the channel of a store: its names without the tag.
func topicOf(tb testing.TB, s *sealed.Store) string {
	tb.Helper()
	parts := strings.Split(nameOf(tb, s, testID, "changed"), ":")
	return strings.Join([]string{parts[0], parts[1], parts[3], parts[4]}, ":")
}

// watch returns the events of a store, and what stops it and waits for the end. It returns
// once the subscription has begun.
func watch(tb testing.TB, s *sealed.Store) (events <-chan keystore.Event, stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	all := make(chan keystore.Event, 100_000)
	done := make(chan error, 1)
	go func() { done <- s.Watch(ctx, func(e keystore.Event) { all <- e }) }()
	stop = func() {
		cancel()
		select {
		case err := <-done:
			wantErr(tb, "Watch", err, context.Canceled)
			done <- err
		case <-time.After(20 * time.Second):
			tb.Error("Watch does not end")
		}
	}
	tb.Cleanup(stop)
	nextEvent(tb, all, func(e keystore.Event) bool { return e.Gap })
	return all, stop
}

// nextEvent waits for an event that fits.
func nextEvent(tb testing.TB, events <-chan keystore.Event, fits func(keystore.Event) bool) keystore.Event {
	tb.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case e := <-events:
			if fits(e) {
				return e
			}
		case <-limit:
			tb.Fatal("the event did not come")
		}
	}
}

// eventually waits for what another process does in its own time.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	within(tb, 30*time.Second, what, holds)
}

func within(tb testing.TB, limit time.Duration, what string, holds func() bool) {
	tb.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// next waits for what a goroutine of the test sends.
func next[T any](tb testing.TB, from <-chan T) T {
	tb.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(30 * time.Second):
		tb.Fatal("nothing happens in 30 s")
		panic("not reached")
	}
}

func do(tb testing.TB, s *redisserver.Server, args ...any) any {
	tb.Helper()
	reply, err := s.Do(tb.Context(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	return reply
}
