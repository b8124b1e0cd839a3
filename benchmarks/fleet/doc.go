// Package fleet measures what many replicas cost an issuer and a Redis server that they share.
// It counts fetches and commands, and times in the network alone; two parts complement each other:
//
//   - Real: up to 1,000 verifiers in one process, each with a store, a go-redis client and
//     connections of its own, on one redis-server and one issuer on loopback.
//   - Simulated: 10,000 verifiers, the real code, in virtual time (testing/synctest). Only the
//     server is made up: one queue, in which a round trip takes 7 µs, each further command of it
//     2 µs, and each subscriber of a message 9 µs, as measured on Redis 7.0.
//
// `make bench-fleet` runs both at full size, in some ten minutes, writes the section of
// ../RESULTS.md and draws ../plots. By hand, in the module's directory:
//
//	go test -count=1 -timeout 30m -run TestFleet ./fleet -simulated 10000 -real 1,32,256,1000 \
//	    -write $PWD/RESULTS.md
//
// Without flags the same scenarios run small, with the same assertions, in the tests of this
// module. They need redis-server, see keystore/redis/redisserver.
package fleet
