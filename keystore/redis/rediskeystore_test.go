package rediskeystore

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := connect(t, &redis.Options{Addr: "127.0.0.1:9"})
	secrets := newSecrets(t, fleetSecret)
	for name, c := range map[string]struct {
		client  redis.UniversalClient
		secrets *sealed.Secrets
		opts    []sealed.Option
	}{
		"no client":                {nil, secrets, nil},
		"a nil client":             {(*redis.Client)(nil), secrets, nil},
		"a nil cluster client":     {(*redis.ClusterClient)(nil), secrets, nil},
		"a nil ring":               {(*redis.Ring)(nil), secrets, nil},
		"no secrets":               {good, nil, nil},
		"secrets without any":      {good, &sealed.Secrets{}, nil},
		"a namespace with a space": {good, secrets, []sealed.Option{sealed.WithNamespace("a b")}},
		"a timeout of zero":        {good, secrets, []sealed.Option{sealed.WithTimeout(0)}},
		"a nil option":             {good, secrets, []sealed.Option{nil}},
	} {
		if s, err := New(c.client, c.secrets, c.opts...); s != nil || err == nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if s, err := New(good, secrets); s == nil || err != nil {
		t.Errorf("all is well: %v, %v", s, err)
	}
}

// The client is the caller's: it serves other purposes as before, and goes on living.
func TestTheClientIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	o := patient(s)
	o.DB = 3
	client := connect(t, o)
	must(t, client.Set(t.Context(), "mine", "1", 0).Err())
	before := *client.Options()
	store := newStore(t, client)
	mustSave(t, store, 1, "")
	_, stop := watch(t, store)
	stop()
	if got, err := client.Get(t.Context(), "mine").Result(); got != "1" || err != nil {
		t.Errorf("after use: %q, %v", got, err)
	}
	after := *client.Options()
	if before.ReadTimeout != after.ReadTimeout || before.PoolSize != after.PoolSize || before.DB != after.DB || before.MaxRetries != after.MaxRetries {
		t.Error("the settings have changed")
	}
	must(t, client.Close())
	_, _, err := store.Load(t.Context(), testID)
	wantErr(t, "Load over a closed client", err, keystore.ErrUnavailable)
}

func TestWhatIsStoredHasALife(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := connect(t, patient(s))
	store := newStore(t, client)
	v := mustSave(t, store, 1, "")
	mustSave(t, store, 2, v)
	lease, _, err := store.TryLease(t.Context(), testID)
	must(t, err)
	if _, err := store.Once(t.Context(), "proof", time.Hour); err != nil {
		t.Error(err)
	}
	names := client.Keys(t.Context(), "*").Val()
	if len(names) != 3 {
		t.Errorf("stored: %v", names)
	}
	for _, name := range names {
		if left := client.PTTL(t.Context(), name).Val(); left <= 0 {
			t.Errorf("%s is kept for ever: %v", name, left)
		}
	}
	must(t, lease.End(t.Context(), keystore.Failed, 20*time.Second))
	if left := client.PTTL(t.Context(), nameOf(t, store, testID, "lease")).Val(); left <= 0 || left > 20*time.Second {
		t.Errorf("a cool-down of 20 s is kept for %v", left)
	}
}

func TestSwapComparesEveryByte(t *testing.T) {
	t.Parallel()
	b := newBackend(connect(t, patient(startServer(t))))
	ctx := t.Context()
	for _, step := range []struct {
		old, value []byte
		want       error
	}{
		{[]byte("a"), []byte("b"), keystore.ErrConflict},
		{[]byte{}, []byte("b"), keystore.ErrConflict}, // empty is not absent
		{nil, []byte{}, nil},
		{nil, []byte("b"), keystore.ErrConflict},
		{[]byte{}, []byte("a\x00\r\n"), nil},
		{[]byte("a"), []byte("b"), keystore.ErrConflict},
		{[]byte("a\x00\r\n "), []byte("b"), keystore.ErrConflict},
		{wrongType, []byte("b"), keystore.ErrConflict},
		{[]byte("a\x00\r\n"), []byte("c"), nil},
	} {
		if err := b.Swap(ctx, "key", step.old, step.value, time.Nanosecond+time.Minute); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("%q over %q: %v, want %v", step.value, step.old, err, step.want)
		}
	}
	value, left, err := b.Get(ctx, "key")
	if string(value) != "c" || err != nil || left <= 0 || left > time.Minute+time.Millisecond {
		t.Errorf("Get: %q, %v, %v", value, left, err)
	}
	for _, ttl := range []time.Duration{0, time.Nanosecond} { // as short as can be told, not for ever
		must(t, b.Swap(ctx, "brief", nil, []byte("x"), ttl))
		eventually(t, "it is gone", func() bool { _, _, err := b.Get(ctx, "brief"); return errors.Is(err, keystore.ErrNotFound) })
	}
}
