package redisserver_test

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

func Example() {
	ctx := context.Background()
	server, err := redisserver.Start(ctx, "--maxmemory", "50mb")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	client := redis.NewClient(server.Options())
	defer func() { _ = client.Close() }()

	fmt.Println(client.Set(ctx, "a", "1", 0).Err())
	if err := server.Restart(ctx); err != nil { // nothing is kept
		fmt.Println(err)
		return
	}
	fmt.Println(client.Exists(ctx, "a").Val())
	// Output:
	// <nil>
	// 0
}
