package sealed_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// cabinet is a back end: two methods on bytes. A real one is shared by several processes.
type cabinet struct {
	mu      sync.Mutex
	drawers map[string]drawer
}

type drawer struct {
	value []byte
	until time.Time
}

func (c *cabinet) Get(_ context.Context, key string) ([]byte, time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.drawers[key]
	if left := time.Until(d.until); ok && left > 0 {
		return d.value, left, nil
	}
	return nil, 0, keystore.ErrNotFound
}

func (c *cabinet) Swap(_ context.Context, key string, old, value []byte, ttl time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.drawers[key]
	there := ok && time.Until(d.until) > 0
	if there != (old != nil) || there && !bytes.Equal(d.value, old) {
		return keystore.ErrConflict
	}
	c.drawers[key] = drawer{value, time.Now().Add(ttl)}
	return nil
}

func ExampleNew() {
	secrets, err := sealed.NewSecrets([]byte("in production, 32 random bytes from your secret manager"))
	if err != nil {
		fmt.Println(err)
		return
	}
	back := &cabinet{drawers: map[string]drawer{}}
	store, err := sealed.New(back, secrets, sealed.WithNamespace("bookstore"), sealed.WithTimeout(250*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	id := keystore.ID{Issuer: "https://issuer.example.test"}
	_, err = store.Save(ctx, id, &keystore.Record{ID: id, Document: []byte(`{"keys":[]}`)}, "")
	fmt.Println("saved:", err)

	for name, d := range back.drawers { // somebody changes what is stored
		d.value = bytes.Replace(d.value, []byte("keys"), []byte("evil"), 1)
		back.drawers[name] = d
	}
	_, _, err = store.Load(ctx, id)
	fmt.Println("loaded:", err)
	// Output:
	// saved: <nil>
	// loaded: keystore: stored record is unusable
}

func ExampleNewSecrets() {
	current, next := make([]byte, 32), make([]byte, 32) // from a secret manager
	_, _ = rand.Read(current)
	_, _ = rand.Read(next)

	// Each step is deployed to all processes before the next one begins.
	for _, step := range [][][]byte{{current, next}, {next, current}, {next}} {
		secrets, err := sealed.NewSecrets(step[0], step[1:]...)
		fmt.Println(secrets != nil, err)
	}
	_, err := sealed.NewSecrets([]byte("hunter2"))
	fmt.Println(err)
	// Output:
	// true <nil>
	// true <nil>
	// true <nil>
	// sealed: the primary secret has 7 bytes: at least 32, that nobody can guess
}
