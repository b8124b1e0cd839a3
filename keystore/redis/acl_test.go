package rediskeystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// The rights that doc.go names.
const (
	aclNames    = "~keychorus:1:* &keychorus:1:*"
	aclCommands = "+getrange +pttl +set +watch +unwatch +multi +exec +publish +subscribe +ping"
	aclCluster  = "+cluster|slots +command +asking"
)

// allow makes a user with these rights and nothing else, and returns settings for it.
func allow(tb testing.TB, s *redisserver.Server, rights string) *redis.Options {
	tb.Helper()
	args := []any{"acl", "setuser", "fleet", "reset", "on", ">password"}
	for right := range strings.FieldsSeq(rights) {
		args = append(args, right)
	}
	do(tb, s, args...)
	do(tb, s, "acl", "log", "reset")
	o := patient(s)
	o.Username, o.Password = "fleet", "password"
	return o
}

// operations of a fleet, each with the names of what it stores.
func operations(tb testing.TB, b *backend) map[string]error {
	tb.Helper()
	ctx := tb.Context()
	const ttl = time.Minute
	got := map[string]error{}
	name := func(kind string) string { return "keychorus:1:{tag}:secret:" + kind }
	_, _, got["get"] = b.Get(ctx, name("set"))
	got["create"] = b.Swap(ctx, name("lease"), nil, []byte("1"), ttl)
	got["replace"] = b.Swap(ctx, name("set"), []byte("old"), []byte("new"), ttl)
	got["lose"] = b.Swap(ctx, name("set"), []byte("old"), []byte("new"), ttl)
	got["publish"] = b.Publish(ctx, "keychorus:1:secret:changed", []byte("new"))
	sub, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	got["subscribe"] = b.Subscribe(sub, "keychorus:1:secret:changed", func([]byte) {}, cancel)
	if errors.Is(got["subscribe"], context.Canceled) {
		got["subscribe"] = nil
	}
	return got
}

// aclLog returns what was refused.
func aclLog(tb testing.TB, s *redisserver.Server) (refused []string) {
	tb.Helper()
	entries, _ := do(tb, s, "acl", "log").([]any)
	for _, e := range entries {
		if fields, ok := e.(map[any]any); ok {
			refused = append(refused, fmt.Sprint(fields["object"]))
		}
	}
	return refused
}

func TestTheDocumentedRightsAreEnough(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	must(t, err)
	for _, rights := range []string{aclNames, aclCommands, aclCluster} {
		if !strings.Contains(string(doc), rights+"\n") {
			t.Errorf("doc.go does not name %s", rights)
		}
	}
	s := startServer(t)
	o := allow(t, s, aclNames+" "+aclCommands)
	client := connect(t, o)
	// What only failures need, too: the wrong type, a lost race, a sign of life.
	store := newStore(t, client)
	do(t, s, "rpush", nameOf(t, store, testID, "set"), "a")
	_, v, err := store.Load(t.Context(), testID)
	wantErr(t, "Load", err, keystore.ErrUnusable)
	events, _ := watch(t, store)
	v = mustSave(t, store, 1, v)
	nextEvent(t, events, func(e keystore.Event) bool { return e.Version == v })
	_, err = store.Save(t.Context(), testID, record(testID, 2), "another")
	wantErr(t, "Save", err, keystore.ErrConflict)
	lease, _, err := store.TryLease(t.Context(), testID)
	must(t, err)
	must(t, lease.End(t.Context(), keystore.Useful, time.Minute))
	if first, err := store.Once(t.Context(), "proof", time.Minute); !first || err != nil {
		t.Errorf("Once: %v, %v", first, err)
	}
	sub := client.Subscribe(t.Context(), topicOf(t, store))
	must(t, sub.Ping(t.Context()))
	must(t, sub.Close())
	if refused := aclLog(t, s); len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	for _, c := range [][]any{
		{"get", "x"}, {"getrange", "x", 0, 1}, {"set", "x", "y"}, {"set", "keychorus:2:x", "y"}, {"publish", "x", "y"},
		{"del", nameOf(t, store, testID, "set")}, {"eval", "return 1", 0}, {"flushall"}, {"keys", "*"}, {"config", "get", "*"},
	} {
		if err := client.Do(t.Context(), c...).Err(); !strings.HasPrefix(fmt.Sprint(err), "NOPERM") {
			t.Errorf("%v: %v, want NOPERM", c, err)
		}
	}
}

// Each right is needed: without it, these operations fail, and the others do not.
func TestEveryDocumentedRightIsNeeded(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for right, broken := range map[string][]string{
		"":           nil,
		"+getrange":  {"get", "lose", "replace"},
		"+pttl":      nil, // how long a lease still holds is then taken from the lease itself
		"+set":       {"create", "replace"},
		"+watch":     {"lose", "replace"},
		"+unwatch":   nil, // the client sends it, and ignores the answer
		"+multi":     {"replace"},
		"+exec":      {"replace"},
		"+publish":   {"publish"},
		"+subscribe": {"subscribe"},
		"+ping":      nil, // after 30 s without a message
	} {
		do(t, s, "flushall")
		do(t, s, "set", "keychorus:1:{tag}:secret:set", "old")
		o := allow(t, s, aclNames+" "+strings.Join(slices.DeleteFunc(strings.Fields(aclCommands), func(r string) bool { return r == right }), " "))
		client := redis.NewClient(o)
		var got []string
		for name, err := range operations(t, newBackend(client)) {
			if err == nil || name == "lose" && errors.Is(err, keystore.ErrConflict) {
				continue
			}
			got = append(got, name)
			wantErr(t, "without "+right+", "+name, err, sealed.ErrRefused)
		}
		slices.Sort(got)
		// Where replacing fails, there is nothing to lose against.
		if slices.Contains(got, "replace") && !slices.Contains(broken, "lose") {
			got = slices.DeleteFunc(got, func(name string) bool { return name == "lose" })
		}
		if !slices.Equal(got, broken) {
			t.Errorf("without %s: %v fail, want %v", right, got, broken)
		}
		if err := client.Ping(t.Context()).Err(); (err != nil) != (right == "+ping") {
			t.Errorf("without %s: ping: %v", right, err)
		}
		if refused := aclLog(t, s); (len(refused) > 0) != (right != "") {
			t.Errorf("without %s: refused %v", right, refused)
		}
		must(t, client.Close())
	}
}

// A process that may only read lives off what the others store.
func TestAFollowerReadsAndHears(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	leader := newStore(t, connect(t, patient(s)))
	follower := newStore(t, connect(t, allow(t, s, aclNames+" +getrange +pttl +subscribe +ping")))
	events, _ := watch(t, follower)
	v := mustSave(t, leader, 1, "")
	nextEvent(t, events, func(e keystore.Event) bool { return e.Version == v })
	wantRecord(t, follower, 1)
	for range 5 {
		_, err := follower.Save(t.Context(), testID, record(testID, 2), v)
		wantErr(t, "Save", err, sealed.ErrRefused)
		_, _, err = follower.TryLease(t.Context(), testID)
		wantErr(t, "TryLease", err, sealed.ErrRefused)
	}
	wantRecord(t, follower, 1)
}
