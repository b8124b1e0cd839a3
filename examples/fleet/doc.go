// Command fleet shows what replicas of an API share: it starts a Redis server, a development
// issuer and eight processes that verify tokens, and walks through good days and bad ones.
//
// Without a flag it ends by itself in less than a minute, and fails if anything was not as
// promised: the issuer is asked once for the whole fleet, and nobody whose token is good is ever
// turned away, whatever is down. -stay keeps all of it running, to look at it with the command
// keychorus.
//
// Exit codes: 0 all as promised, 1 not so, 2 misuse or no redis-server.
package main
