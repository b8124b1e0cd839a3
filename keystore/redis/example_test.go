package rediskeystore_test

import (
	"context"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// Two processes of a fleet: what one saves, the other loads.
func Example() {
	ctx := context.Background()
	server, err := redisserver.Start(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	secrets, err := sealed.NewSecrets([]byte("at least 32 bytes that nobody can guess"))
	if err != nil {
		fmt.Println(err)
		return
	}
	process := func() *sealed.Store {
		store, err := rediskeystore.New(redis.NewClient(server.Options()), secrets)
		if err != nil {
			panic(err)
		}
		return store
	}
	one, other := process(), process()

	id := keystore.ID{Issuer: "https://issuer.example.test"}
	if _, err := one.Save(ctx, id, &keystore.Record{ID: id, Document: []byte(`{"keys":[]}`)}, ""); err != nil {
		fmt.Println(err)
		return
	}
	record, _, err := other.Load(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(record.Document))
	// Output:
	// {"keys":[]}
}

// A cluster that is reached with a password. The program closes the client when it ends.
func ExampleNew() {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs:    []string{"redis-1.example.test:6379", "redis-2.example.test:6379"},
		Username: "fleet", Password: os.Getenv("REDIS_PASSWORD"),
	})
	defer func() { _ = client.Close() }()
	secrets, err := sealed.NewSecrets([]byte("at least 32 bytes that nobody can guess"))
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := rediskeystore.New(client, secrets, sealed.WithNamespace("bookstore"))
	if err != nil {
		fmt.Println(err)
		return
	}
	// verifier.New(policy, verifier.WithKeyStore(store))
	fmt.Println(store.Stats().Resting)
	// Output: false
}
