// Command keychorus looks after the key records of a fleet.
//
//	keychorus secret          make a fleet secret
//	keychorus fleet show      what is stored for an issuer, and whether it is well
//	keychorus fleet revoke    deny a key to the whole fleet
//	keychorus fleet purge     make the fleet ask the issuer anew
//	keychorus fleet watch     print changes as they happen
//
// Every level explains itself with --help. The fleet secret is read from the environment or a
// file, never from an argument, and is never printed. Tables are for people, and coloured on a
// terminal unless NO_COLOR is set; --json is for programs. Exit codes are stable: 0 done and
// well, 1 a finding or something not done, 2 misuse, 3 the store or the keys are unavailable.
package main
