package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

func ExampleStore() {
	ctx := context.Background()
	store := memory.New()
	id := keystore.ID{Issuer: "https://issuer.example.test"}
	_, _, err := store.Load(ctx, id)
	fmt.Println(errors.Is(err, keystore.ErrNotFound))

	version, err := store.Save(ctx, id, &keystore.Record{ID: id, Document: []byte(`{"keys":[]}`)}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Save(ctx, id, &keystore.Record{ID: id}, "") // somebody else was quicker
	fmt.Println(errors.Is(err, keystore.ErrConflict))

	rec, again, err := store.Load(ctx, id)
	fmt.Println(string(rec.Document), again == version, err)
	// Output:
	// true
	// true
	// {"keys":[]} true <nil>
}

func ExampleReplay() {
	r := memory.NewReplay()
	for range 2 {
		first, err := r.Once(context.Background(), "delivery-1", time.Hour)
		fmt.Println(first, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
