package lru_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/keystoretest"
	"github.com/keychorus/keychorus/keystore/lru"
)

func newStore(tb testing.TB) keystore.KeyStore {
	tb.Helper()
	s, err := lru.New(40)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	keystoretest.Run(t, newStore, keystoretest.Bounded(40),
		keystoretest.Shared(func(tb testing.TB) (one, other keystore.KeyStore) { s := newStore(tb); return s, s }))
}

func TestSize(t *testing.T) {
	for _, size := range []int{0, -1} {
		if s, err := lru.New(size); err == nil || s != nil {
			t.Errorf("size %d: %v, %v", size, s, err)
		}
	}
}

func BenchmarkStore(b *testing.B) { keystoretest.Benchmark(b, newStore) }

func Example() {
	ctx := context.Background()
	store, err := lru.New(2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, issuer := range []string{"https://a.example.test", "https://b.example.test", "https://c.example.test"} {
		id := keystore.ID{Issuer: issuer}
		if _, err := store.Save(ctx, id, &keystore.Record{ID: id}, ""); err != nil {
			fmt.Println(err)
			return
		}
	}
	_, _, err = store.Load(ctx, keystore.ID{Issuer: "https://a.example.test"})
	fmt.Println(errors.Is(err, keystore.ErrNotFound))
	// Output: true
}
