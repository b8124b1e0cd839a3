// Command keychorus explains access tokens, and looks after the keys that verify them.
//
//	keychorus explain         why a token is accepted or refused, and what to change
//	keychorus doctor          whether this machine can verify the tokens of an issuer
//	keychorus keys            the keys that an issuer publishes, and what verifiers make of each
//	keychorus issuer          a development issuer on this machine, with tokens for everybody
//	keychorus secret          make a fleet secret
//	keychorus fleet show      what is stored for an issuer, and whether it is well
//	keychorus fleet revoke    deny a key to the whole fleet
//	keychorus fleet purge     make the fleet ask the issuer anew
//	keychorus fleet watch     print changes as they happen
//	keychorus completion      completion of commands and flags for bash, zsh and fish
//
// Every level explains itself with --help. A token is read from standard input or a terminal,
// and the fleet secret from the environment or a file; neither is ever an argument, and neither
// is printed. Output is for people, and coloured on a terminal unless NO_COLOR is set; --json
// is for programs. Exit codes are stable: 0 done and well, or the token is accepted; 1 a
// finding or something not done, or the token is refused; 2 misuse; 3 the store or the keys are
// unavailable.
package main
