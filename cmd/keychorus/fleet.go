package main

import (
	"flag"
	"time"
)

func fleetCommand() command {
	return command{
		name:    "fleet",
		summary: "look at and change what a fleet shares over Redis",
		details: `
Environment:
  KEYCHORUS_FLEET_SECRET            the fleet secret; white space around it is dropped
  KEYCHORUS_FLEET_SECRETS_PREVIOUS  secrets it had before, separated by commas or white space
  KEYCHORUS_REDIS_URL               the Redis URL, unless --redis is given; the better place for
                                    a URL with a password, which others could read among arguments
  KEYCHORUS_NAMESPACE               the namespace, unless --namespace is given
  NO_COLOR                          any value: no colours

Secret, namespace, issuer and JWKS URL must be exactly those of the fleet: together they are
the name under which its record is kept.`,
		sub: []command{
			showCommand(),
			revokeCommand(),
			purgeCommand(),
			watchCommand(),
		},
	}
}

const (
	defaultRedis     = "redis://127.0.0.1:6379"
	defaultNamespace = "keychorus"
	// defaultTimeout is longer than that of a server: an operator may be far away, and waits.
	defaultTimeout = 2 * time.Second
)

// fleetFlags are the flags of all fleet commands.
type fleetFlags struct {
	redis, sentinelMaster, namespace, secretFile string
	cluster, json                                bool
	timeout                                      time.Duration
	issuer, jwksURL                              string
}

func (f *fleetFlags) add(flags *flag.FlagSet) {
	f.addServer(flags)
	flags.DurationVar(&f.timeout, "timeout", defaultTimeout, "`LIMIT` of one call of the server, 1ms to 10s")
	flags.StringVar(&f.issuer, "issuer", "", "`URL` of the issuer, exactly the iss of its tokens")
	flags.StringVar(&f.jwksURL, "jwks-url", "", "`URL` of the keys, if the fleet has it configured; never one found by discovery")
	flags.BoolVar(&f.json, "json", false, "print JSON for programs")
}

// addServer adds what finds the store.
func (f *fleetFlags) addServer(flags *flag.FlagSet) {
	flags.StringVar(&f.redis, "redis", "", "`URL` of the server, rediss:// for TLS; else KEYCHORUS_REDIS_URL, else "+defaultRedis)
	flags.BoolVar(&f.cluster, "cluster", false, "the server is a node of a cluster; further ones as ?addr=HOST:PORT in the URL")
	flags.StringVar(&f.sentinelMaster, "sentinel-master", "", "the server is a sentinel, and the master has this `NAME`")
	flags.StringVar(&f.namespace, "namespace", "", "`NAMESPACE` of the fleet; else KEYCHORUS_NAMESPACE, else "+defaultNamespace)
	flags.StringVar(&f.secretFile, "secret-file", "", "`FILE` with the secret in its first line, previous ones below; - is standard input")
}

// needIssuer is for commands about one issuer.
func (f *fleetFlags) needIssuer() error {
	if f.issuer == "" {
		return misuse("it is the exact iss of the tokens, such as https://login.example.com", "--issuer is missing")
	}
	return nil
}
