// Package soak verifies ten million tokens in one process, with tokens, tenants and keys that
// come and go, and looks whether anything grows that should not: the heap, goroutines,
// connections to the issuers and to Redis.
//
// `make soak` runs it at full size, in some minutes. By hand, in the module's directory:
//
//	go test -count=1 -timeout 30m -run TestSoak -v ./soak -verifications 10000000
//
// Without the flag it runs small, with the same assertions. It needs redis-server, see
// keystore/redis/redisserver.
package soak
