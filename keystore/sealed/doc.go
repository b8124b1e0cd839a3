// Package sealed makes a back end of bytes, which several processes share, a key store that
// they can trust without trusting the back end.
//
// A fleet has a secret. What a process stores is sealed with it: an HMAC-SHA256 over the
// record, the key set it belongs to and the namespace of the fleet. So whoever can write to
// the back end can delete and put back what was there before, but can neither forge nor
// change nor move a record. There is no way to store without a seal.
//
// A back end implements [Backend], two methods on bytes, and may implement [Announcer].
// [Store] is everything else:
//
//   - every call is bounded, by default to 100 ms, whatever the client's own settings; at most
//     four are under way, and the next waits for its turn within that time; after three failures
//     in a row the back end is given a rest of 250 ms, doubling to 5 s, after which one call
//     tries again. Announcements have a guard of their own, and Once has one, for 64.
//   - names hold the public id of the secret: fleets with other secrets or formats never read
//     each other's values, so that a seal which does not hold means damage or an attack;
//   - a record is saved over the very bytes that were read;
//   - the lease on the next attempt and the cool-down after it are one value with a life, see
//     [Store.TryLease]. Clocks may be two minutes apart;
//   - changes are announced whole, and the announcement is sealed.
//
// Pass a store to verifier.WithKeyStore. Everything that is freshness, age and whether a
// record is newer than another is decided there; docs/keystores.md tells how to write a back
// end, docs/operations.md how to run one.
//
// # Names
//
//	<namespace>:1:{<tag>}:<secret>:set      a record
//	<namespace>:1:{<tag>}:<secret>:lease    the lease or the cool-down
//	<namespace>:1:<secret>:once:<mac>       a use that must not be repeated
//	<namespace>:1:<secret>:changed          the topic of announcements
//
// The tag is a hash of the issuer and the JWKS URL, secret the public id of the fleet secret.
package sealed
