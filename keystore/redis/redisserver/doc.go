// Package redisserver runs real Redis servers for tests, examples and benchmarks: alone, as a
// [Cluster] or under [Sentinel]. The program is redis-server from PATH, or whatever the
// environment variable KEYCHORUS_REDIS_SERVER names, such as a Valkey server. There is no
// stand-in for it: where it is missing, starting fails.
//
// Every server listens on a loopback port of its own, writes nothing to disk but what it needs
// in a temporary directory, and is stopped by its process id. It also ends when the process
// that started it does, however that ends. Servers can be frozen, killed and restarted, which
// is what tests of failures need.
//
// The package runs on Unix systems.
package redisserver
