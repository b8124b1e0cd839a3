package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/keychorus/keychorus/keystore"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/sealed"
)

const secretHint = "set KEYCHORUS_FLEET_SECRET, or name a file with --secret-file; keychorus secret makes one"

// fleet is an open store and what it was opened with.
type fleet struct {
	*sealed.Store
	client    redis.UniversalClient
	id        keystore.ID
	namespace string
	server    string // its address as it may be shown: without credentials
}

func (f *fleet) close() { _ = f.client.Close() }

// open makes the store of the settings. It sends nothing yet.
func (f *fleetFlags) open(c *call) (*fleet, error) {
	primary, previous, err := f.secretsFrom(c)
	if err != nil {
		return nil, err
	}
	secrets, err := sealed.NewSecrets(primary, previous...)
	if err != nil { // names which one, and shows none
		return nil, misuse(secretHint, "%s", err)
	}
	if f.timeout < time.Millisecond || f.timeout > 10*time.Second {
		return nil, misuse("", "--timeout is %v: between 1ms and 10s", f.timeout)
	}
	client, server, err := f.connect(cmp.Or(f.redis, c.env("KEYCHORUS_REDIS_URL"), defaultRedis))
	if err != nil {
		return nil, err
	}
	namespace := cmp.Or(f.namespace, c.env("KEYCHORUS_NAMESPACE"), defaultNamespace)
	store, err := rediskeystore.New(client, secrets, sealed.WithNamespace(namespace), sealed.WithTimeout(f.timeout))
	if err != nil {
		_ = client.Close()
		return nil, misuse("", "%s", err)
	}
	return &fleet{
		Store: store, client: client, namespace: namespace, server: server,
		id: keystore.ID{Issuer: f.issuer, JWKSURL: f.jwksURL},
	}, nil
}

// secretsFrom reads the secrets from where they may be.
func (f *fleetFlags) secretsFrom(c *call) (primary []byte, previous [][]byte, err error) {
	separate := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	words := append([]string{strings.TrimSpace(c.env("KEYCHORUS_FLEET_SECRET"))},
		strings.FieldsFunc(c.env("KEYCHORUS_FLEET_SECRETS_PREVIOUS"), separate)...)
	if f.secretFile != "" {
		if words, err = f.secretLines(c); err != nil {
			return nil, nil, err
		}
	}
	if len(words) == 0 || words[0] == "" {
		return nil, nil, misuse(secretHint, "there is no fleet secret")
	}
	for _, w := range words[1:] {
		previous = append(previous, []byte(w))
	}
	return []byte(words[0]), previous, nil
}

// maxSecretFile keeps a wrong file name from filling memory.
const maxSecretFile = 64 << 10

// secretLines returns the lines of the secret file that are not blank.
func (f *fleetFlags) secretLines(c *call) ([]string, error) {
	from := c.stdin
	if f.secretFile != "-" {
		file, err := os.Open(f.secretFile)
		if err != nil {
			return nil, misuse("", "the secret file cannot be read: %s", reasonOf(err))
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxSecretFile))
	if err != nil {
		return nil, misuse("", "the secret file cannot be read: %s", reasonOf(err))
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// reasonOf drops the path: whoever mistook the flag for the secret must not find it in a log.
func reasonOf(err error) string {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// connect makes a client. Errors do not repeat the URL, which may hold a password.
func (f *fleetFlags) connect(url string) (client redis.UniversalClient, server string, err error) {
	const hint = "it looks like redis://HOST:6379/0, rediss://HOST:6380 or rediss://USER:PASSWORD@HOST:6380/0"
	if f.cluster && f.sentinelMaster != "" {
		return nil, "", misuse("", "--cluster and --sentinel-master contradict each other")
	}
	switch {
	case f.cluster:
		o, err := redis.ParseClusterURL(url)
		if err != nil {
			return nil, "", misuse(hint, "the Redis URL is malformed")
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.ContextTimeoutEnabled = f.timeout, f.timeout, f.timeout, true
		o.MaxRetries, o.DialerRetries = -1, 1
		o.DisableIdentity, o.MaintNotificationsConfig, o.TLSConfig = true, noNotifications(), modern(o.TLSConfig)
		return redis.NewClusterClient(o), "cluster " + strings.Join(o.Addrs, " "), nil
	case f.sentinelMaster != "":
		o, err := redis.ParseFailoverURL(url)
		if err != nil {
			return nil, "", misuse(hint, "the Redis URL is malformed")
		}
		o.MasterName = f.sentinelMaster
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.ContextTimeoutEnabled = f.timeout, f.timeout, f.timeout, true
		o.MaxRetries, o.DialerRetries = -1, 1
		o.DisableIdentity, o.TLSConfig = true, modern(o.TLSConfig)
		return redis.NewFailoverClient(o), "sentinel " + strings.Join(o.SentinelAddrs, " ") + ", master " + f.sentinelMaster, nil
	default:
		o, err := redis.ParseURL(url)
		if err != nil {
			return nil, "", misuse(hint, "the Redis URL is malformed")
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.ContextTimeoutEnabled = f.timeout, f.timeout, f.timeout, true
		o.MaxRetries, o.DialerRetries = -1, 1
		o.DisableIdentity, o.MaintNotificationsConfig, o.TLSConfig = true, noNotifications(), modern(o.TLSConfig)
		return redis.NewClient(o), fmt.Sprintf("%s/%d", o.Addr, o.DB), nil
	}
}

func noNotifications() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// modern keeps nil, which is no TLS.
func modern(c *tls.Config) *tls.Config {
	if c != nil {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

// quiet drops what the client would log by itself: its failures are reported once, by exit.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// look returns everything that is stored for an ID. The error is ready to be shown.
func (f *fleet) look(ctx context.Context, id keystore.ID) ([]sealed.Inspection, error) {
	all, err := f.Inspect(ctx, id)
	if err != nil {
		return nil, unavailable("the server is "+printable(f.server)+"; --redis and --timeout may help", "%s", err)
	}
	return all, nil
}
