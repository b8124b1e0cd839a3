package keystore_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// A store is read and saved over what was read. Whoever meets a conflict looks again.
func ExampleKeyStore() {
	ctx := context.Background()
	var store keystore.KeyStore = memory.New()
	id := keystore.ID{Issuer: "https://issuer.example.test"}
	for range 3 {
		rec, version, err := store.Load(ctx, id)
		if errors.Is(err, keystore.ErrNotFound) {
			rec = &keystore.Record{ID: id}
		}
		rec.Epoch++
		if _, err := store.Save(ctx, id, rec, version); err != nil {
			fmt.Println(err)
		}
	}
	rec, _, err := store.Load(ctx, id)
	fmt.Println(rec.Epoch, err)
	// Output: 3 <nil>
}
