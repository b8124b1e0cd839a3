package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
)

// secretBytes is the strength of the key that seals. As text it is longer than what package sealed
// demands.
const secretBytes = 32

func secretCommand() command {
	return command{
		name:    "secret",
		summary: "make a fleet secret",
		details: `
Prints 32 random bytes as base64url text. The bytes of that text, without the line end, are the
secret that sealed.NewSecrets takes. Give the same one to every process of the fleet and keep it
where other secrets are kept: whoever has it and can write to the store can make the fleet
accept keys of their own.

To change it without a fetch: add the new one as a previous one everywhere, then make it
primary everywhere with the old one as previous, then drop the old one.`,
		setup: func(*flag.FlagSet) action { return makeSecret },
	}
}

func makeSecret(_ context.Context, c *call, _ []string) error {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails
	if _, err := fmt.Fprintln(c.stdout, base64.RawURLEncoding.EncodeToString(raw)); err != nil {
		return fmt.Errorf("the secret could not be written: %w", err)
	}
	return nil
}
