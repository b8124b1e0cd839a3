// Package chaos lets everything that can go wrong happen to a fleet, several things at a time,
// and judges every single answer.
//
// The fleet is examples/fleet: replicas as processes of their own, on real Redis servers under
// Sentinel, with a development issuer on loopback. A script with a printed seed rotates and
// withdraws keys, lets the issuer hang and answer nonsense, freezes, kills, empties and forges
// Redis, loses a write in a failover, kills and suspends replicas, sets their clocks wrong, and
// floods them with made-up keys, while clients send good and bad tokens. A [Ledger] keeps every
// token that was sent and what was answered, and [Judge] compares it with what docs/keys.md and
// docs/operations.md promise: no good token is lost, no bad one accepted, the issuer is left in
// peace.
//
// `make chaos` runs it for minutes and writes docs/chaos.md. In plain tests it runs for seconds.
package chaos
