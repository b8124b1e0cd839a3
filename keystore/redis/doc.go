// Package rediskeystore keeps the keys of a fleet in Redis or Valkey: one record for each
// issuer, which one process fetches and all others adopt within milliseconds. It is a
// [sealed.Backend] over a client of the caller's; everything else, such as seals, deadlines,
// the rest that a failing server is given, leases and events, is that of package
// [github.com/keychorus/keychorus/keystore/sealed].
//
// Verification of a token whose key is known never waits for Redis. Without Redis a fleet
// fetches its keys as single processes do.
//
// # Commands
//
// Reading is GETRANGE and PTTL in one pipeline; GETRANGE, so that nobody can make the fleet
// read a value of half a gigabyte. Creating is SET NX, with a life. Replacing is WATCH, the
// same reading, MULTI, SET with a life, and EXEC, and happens only over the bytes that were
// read before. Changes are announced by PUBLISH. No command names two keys, none blocks, and
// there are no scripts. Every name begins with the namespace, by default keychorus, and the
// version of the protocol; see package sealed. These rights are enough:
//
//	user fleet on >password ~keychorus:1:* &keychorus:1:*
//	    +getrange +pttl +set +watch +unwatch +multi +exec +publish +subscribe +ping
//
// and on a cluster
//
//	+cluster|slots +command +asking
//
// The database is 0, or +select is needed. Without +publish or +subscribe, as behind some
// proxies, changes are found by polling. Without +set, +watch, +multi and +exec a process
// lives off what others store.
//
// # Client
//
// Any client is safe. These settings also keep it from holding connections and goroutines for
// seconds after the store has given up on a call, and a large fleet from noise:
//
//	client := redis.NewClient(&redis.Options{
//		Addr:      "redis.example.test:6380",
//		Username:  "fleet",
//		Password:  password,
//		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
//
//		DialTimeout: 100 * time.Millisecond, ReadTimeout: 100 * time.Millisecond,
//		WriteTimeout: 100 * time.Millisecond, PoolTimeout: 100 * time.Millisecond,
//		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
//		PoolSize: 4, MaxActiveConns: 8, PipelinePoolSize: -1,
//		DisableIdentity: true,
//		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
//	})
//
// Where the network is slower, raise the timeouts together with [sealed.WithTimeout]. Where
// requests wait for Once, raise PoolSize. A process holds one connection for each secret to
// hear of changes, so that a fleet of thousands needs a higher maxclients. Applications that
// trace their client should not record its commands with their arguments.
//
// With Sentinel use [redis.NewFailoverClient], on a cluster [redis.NewClusterClient]. While a
// slot moves between nodes, saving what has already moved is refused; reading goes on. A
// failover that loses a write brings back an older record, which whoever has the newer one
// does not adopt.
//
// # What others can do
//
// Redis is not trusted. Whoever reads it learns public keys. Whoever writes to it can delete,
// hold back and put back what was there before, as an outage would, and cannot make any
// process use a key that the issuer did not publish. TLS and a password protect availability;
// the seal does not depend on them. Uses that must not be repeated (Once) can be deleted, and
// need a server that evicts nothing.
//
// To try it out, package redisserver starts servers on loopback.
package rediskeystore
