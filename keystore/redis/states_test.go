package rediskeystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// answer is what a back end says of an operation.
type answer string

const (
	works       answer = "works"
	refused     answer = "is refused"     // and counts as an answer
	unavailable answer = "is unavailable" // and counts towards the rest the server is given
	conflicts   answer = "conflicts"
	missing     answer = "finds nothing"
)

func answerOf(err error) answer {
	switch {
	case err == nil:
		return works
	case errors.Is(err, sealed.ErrRefused):
		return refused
	case errors.Is(err, keystore.ErrConflict):
		return conflicts
	case errors.Is(err, keystore.ErrNotFound):
		return missing
	default:
		return unavailable
	}
}

// A state is something that happens to a server which holds "old" under "key".
type state struct {
	name               string
	args               []string
	happen             func(testing.TB, *redisserver.Server)
	get, create, swap  answer
	publish, subscribe answer
}

func admin(args ...any) func(testing.TB, *redisserver.Server) {
	return func(tb testing.TB, s *redisserver.Server) { tb.Helper(); do(tb, s, args...) }
}

func states() []state {
	return []state{
		{"nothing", nil, func(testing.TB, *redisserver.Server) {}, works, works, works, works, works},
		{"flushed or evicted", nil, admin("flushall"), missing, works, conflicts, works, works},
		{"out of memory, noeviction", nil, admin("config", "set", "maxmemory", "1"), works, refused, refused, works, works},
		{"read-only replica without its master", nil, admin("replicaof", "127.0.0.1", "9"), works, refused, refused, works, works},
		{
			"replica that serves no stale data",
			[]string{"--replica-serve-stale-data", "no"}, admin("replicaof", "127.0.0.1", "9"),
			unavailable, refused, unavailable, works, works,
		},
		{"not enough replicas", nil, admin("config", "set", "min-replicas-to-write", "1"), works, refused, refused, works, works},
		{"a password was set", nil, admin("config", "set", "requirepass", "x"), unavailable, unavailable, unavailable, unavailable, unavailable},
		{"no more clients", nil, admin("config", "set", "maxclients", "1"), unavailable, unavailable, unavailable, unavailable, unavailable},
		{"writes paused", nil, admin("client", "pause", "60000", "write"), works, unavailable, unavailable, unavailable, works},
		{"all paused", nil, admin("client", "pause", "60000", "all"), unavailable, unavailable, unavailable, unavailable, unavailable},
		{"a command was renamed away", []string{"--rename-command", "SET", "x", "--rename-command", "SUBSCRIBE", "y"}, nil, missing, refused, conflicts, works, refused},
		{"frozen", nil, func(tb testing.TB, s *redisserver.Server) { tb.Helper(); must(tb, s.Freeze()) }, unavailable, unavailable, unavailable, unavailable, unavailable},
		{"killed", nil, func(tb testing.TB, s *redisserver.Server) { tb.Helper(); must(tb, s.Kill()) }, unavailable, unavailable, unavailable, unavailable, unavailable},
		{"restarted empty", nil, func(tb testing.TB, s *redisserver.Server) { tb.Helper(); must(tb, s.Restart(tb.Context())) }, missing, works, conflicts, works, works},
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestEveryStateOfAServerHasItsAnswer(t *testing.T) {
	t.Parallel()
	const stored, fresh = "bytes that are stored", "bytes to be stored"
	for _, st := range states() {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, st.args...)
			if st.happen != nil {
				do(t, s, "set", "key", stored)
				st.happen(t, s)
			}
			o := patient(s)
			o.ReadTimeout = 500 * time.Millisecond // several states are those of not answering
			b := newBackend(connect(t, o))
			value, _, err := b.Get(t.Context(), "key")
			check(t, "Get", s, err, st.get)
			if err == nil && string(value) != stored {
				t.Errorf("Get returned %q", value)
			}
			check(t, "Swap of nothing", s, b.Swap(t.Context(), "new", nil, []byte(fresh), time.Hour), st.create)
			check(t, "Swap", s, b.Swap(t.Context(), "key", []byte(stored), []byte(fresh), time.Hour), st.swap)
			check(t, "Publish", s, b.Publish(t.Context(), "topic", []byte(fresh)), st.publish)
			check(t, "Subscribe", s, subscribeOnce(t, b), st.subscribe)
		})
	}
}

// check also says what no error may hold.
func check(t *testing.T, what string, s *redisserver.Server, err error, want answer) {
	t.Helper()
	if got := answerOf(err); got != want {
		t.Errorf("%s %s, want: %s (%v)", what, got, want, err)
	}
	for _, never := range []string{"bytes", s.Addr(), "topic", "redis:"} {
		if err != nil && strings.Contains(err.Error(), never) {
			t.Errorf("the error of %s holds %q: %v", what, never, err)
		}
	}
}

// subscribeOnce returns nil once a subscription has begun, and else why it does not.
func subscribeOnce(t *testing.T, b *backend) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	began := false
	err := b.Subscribe(ctx, "topic", func([]byte) {}, func() { began = true; cancel() })
	if began {
		return nil
	}
	return err
}

func TestALoadingServerIsUnavailable(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--enable-debug-command", "local", "--key-load-delay", "1000")
	do(t, s, "debug", "populate", "20000")
	do(t, s, "config", "set", "loading-process-events-interval-bytes", "1024")
	do(t, s, "save")
	go func() { _, _ = s.Do(context.WithoutCancel(t.Context()), "debug", "reload", "nosave") }()
	b := newBackend(connect(t, patient(s)))
	eventually(t, "the server says that it is loading", func() bool {
		_, _, err := b.Get(t.Context(), "key")
		return answerOf(err) == unavailable && strings.HasSuffix(err.Error(), "LOADING")
	})
}

func TestRepliesAreSortedByTheirCode(t *testing.T) {
	for reply, want := range map[string]struct {
		refused bool
		text    string
	}{
		"READONLY You can't write":                 {true, "READONLY"},
		"OOM command not allowed":                  {true, "OOM"},
		"NOREPLICAS Not enough":                    {true, "NOREPLICAS"},
		"MISCONF Redis is configured":              {true, "MISCONF"},
		"NOPERM User fleet has no permissions":     {true, "NOPERM"},
		"TRYAGAIN Multiple keys":                   {true, "TRYAGAIN"},
		"MOVED 1 127.0.0.1:1":                      {true, "MOVED"},
		"ERR unknown command 'set', 'the bytes...": {true, "ERR"},
		"the bytes":                                {true, "ERR"},
		"NOAUTH Authentication required.":          {false, "NOAUTH"},
		"WRONGPASS invalid username-password pair": {false, "WRONGPASS"},
		"LOADING Redis is loading":                 {false, "LOADING"},
		"MASTERDOWN Link with MASTER is down":      {false, "MASTERDOWN"},
		"CLUSTERDOWN The cluster is down":          {false, "CLUSTERDOWN"},
		"BUSY Redis is busy running a script":      {false, "BUSY"},
		"ERR max number of clients reached":        {false, "ERR"},
	} {
		err := failure("set", replyError(reply))
		if errors.Is(err, sealed.ErrRefused) != want.refused || err.Error() != "rediskeystore: set: the server answers "+want.text {
			t.Errorf("%q became %v, refused: %v", reply, err, !want.refused)
		}
		if again := failure("get", fmt.Errorf("wrapped: %w", err)); again.Error() != err.Error() {
			t.Errorf("an error was explained twice: %v", again)
		}
	}
}

type replyError string

func (e replyError) Error() string { return string(e) }
func (replyError) RedisError()     {}

var _ redis.Error = replyError("")

func TestOtherFailuresSayWhyInFixedWords(t *testing.T) {
	closed := redis.NewClient(&redis.Options{Addr: "127.0.0.1:9"})
	must(t, closed.Close())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		err  error
		is   error
		text string
	}{
		{newBackend(closed).Publish(t.Context(), "t", nil), redis.ErrClosed, "rediskeystore: publish: the client is closed"},
		{newBackend(closed).Publish(ended, "t", nil), context.Canceled, "rediskeystore: publish: the context has ended"},
		{newBackend(closed).Swap(ended, "k", nil, nil, 1), context.Canceled, "rediskeystore: set: the context has ended"},
		{failure("get", fmt.Errorf("redis: can't parse %q", "the bytes")), nil, "rediskeystore: get: no usable answer"},
		{failure("get", redis.ErrPoolTimeout), redis.ErrPoolTimeout, "rediskeystore: get: the client has no connection to spare"},
	} {
		if c.err == nil || c.err.Error() != c.text || c.is != nil && !errors.Is(c.err, c.is) || errors.Is(c.err, sealed.ErrRefused) {
			t.Errorf("%v, want %s", c.err, c.text)
		}
	}
}

// A transaction as a whole is only said to be aborted.
func TestATransactionThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := newBackend(connect(t, patient(s)))
	for code, setting := range map[string]string{"OOM": "maxmemory", "NOREPLICAS": "min-replicas-to-write"} {
		do(t, s, "set", "key", "old")
		do(t, s, "config", "set", setting, "1")
		err := b.Swap(t.Context(), "key", []byte("old"), []byte("new"), time.Hour)
		if err == nil || err.Error() != "rediskeystore: set: the server answers "+code {
			t.Errorf("%s: %v", code, err)
		}
		do(t, s, "config", "set", setting, "0")
	}
}
