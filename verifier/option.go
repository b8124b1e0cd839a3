package verifier

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/keystore"
)

// Option configures a collaborator of the [Verifier].
type Option interface{ apply(c *config) error }

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

type config struct {
	store  keystore.KeyStore
	client *http.Client
	now    func() time.Time
	revoke func(context.Context, *Token) (bool, error)
	logger *slog.Logger

	tracers trace.TracerProvider // nil: the global one
	meters  metric.MeterProvider // nil: the global one

	profiled bool

	cacheEntries int

	resolve func(context.Context, string) (Issuer, bool, error)
	lookup  func(context.Context, string) ([]byte, error)
}

// WithKeyStore keeps fetched keys in s. Several verifiers may share one store: whoever
// starts finds the keys that another one fetched. A nil store is an error.
// Default: a [github.com/keychorus/keychorus/keystore/memory] store of its own, or with
// [WithIssuerResolver] a [github.com/keychorus/keychorus/keystore/lru] one.
func WithKeyStore(s keystore.KeyStore) Option {
	return option(func(c *config) error {
		if s == nil {
			return errors.New("verifier: WithKeyStore: the store is nil")
		}
		c.store = s
		return nil
	})
}

// WithHTTPClient fetches metadata and keys with a shallow copy of client, for issuers
// that name no client of their own. Its cookies and its redirect policy are not used.
// A nil client is an error. Default: a client of this package, with TLS 1.2 or later,
// the proxy of the environment, and a connect timeout of 2 s.
func WithHTTPClient(client *http.Client) Option {
	return option(func(c *config) error {
		if client == nil {
			return errors.New("verifier: WithHTTPClient: the client is nil")
		}
		c.client = client
		return nil
	})
}

// WithClock judges exp, nbf and iat by now, for tests and replays. The age of keys and
// all timers follow package time. A nil function is an error. Default: [time.Now].
func WithClock(now func() time.Time) Option {
	return option(func(c *config) error {
		if now == nil {
			return errors.New("verifier: WithClock: the function is nil")
		}
		c.now = now
		return nil
	})
}

// WithRevocation asks revoked about every token that is otherwise acceptable. True
// refuses the token; an error means that nobody can tell, [ErrUnavailable]. It must be
// safe for concurrent use and is called with the context of Verify. A nil function is an
// error. Default: no token is revoked before it expires.
func WithRevocation(revoked func(ctx context.Context, t *Token) (bool, error)) Option {
	return option(func(c *config) error {
		if revoked == nil {
			return errors.New("verifier: WithRevocation: the function is nil")
		}
		c.revoke = revoked
		return nil
	})
}

// WithIssuerResolver accepts issuers that are not in the policy, such as those of tenants that
// arrive at runtime. resolve is asked about every token of such an issuer, before any network
// access and before the signature is checked: it must be quick and safe for concurrent use,
// and must compare iss exactly, since anyone can write it. It returns the issuer, whose URL
// must be iss, and true to accept it; an issuer that differs from the last answer, also by
// another HTTPClient, starts anew. An error means that nobody can tell, [ErrUnavailable].
// Addresses of a resolved issuer that lead to loopback, private or link-local networks are
// not contacted, unless the issuer brings its own HTTPClient. Policy.Keys.MaxDynamicSources
// bounds the issuers whose keys are kept. A nil function is an error.
// Default: only the issuers of the policy.
func WithIssuerResolver(resolve func(ctx context.Context, iss string) (Issuer, bool, error)) Option {
	return option(func(c *config) error {
		if resolve == nil {
			return errors.New("verifier: WithIssuerResolver: the function is nil")
		}
		c.resolve = resolve
		return nil
	})
}

// WithLogger logs what happens to the keys, once per transition: keys added and removed,
// entries skipped, refreshes that fail and recover. Tokens that are not accepted are counted,
// and logged as a number: one line for each reason and issuer of the policy at most in a
// minute, the others under "other"; requests are never logged. A line may be written on the
// goroutine of a request, so a handler should not block. A nil logger is an error.
// Default: nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) error {
		if l == nil {
			return errors.New("verifier: WithLogger: the logger is nil")
		}
		c.logger = l
		return nil
	})
}

// VerifyOption tells one call of [Verifier.Verify] what the caller knows of the request.
type VerifyOption interface{ applyVerify(c *Confirmation) }

type verifyOption func(*Confirmation)

func (o verifyOption) applyVerify(c *Confirmation) { o(c) }

// Confirmation is a possession that the caller has proved (RFC 7800 §3). Zero fields
// prove nothing.
type Confirmation struct {
	// JWKThumbprint is the RFC 7638 thumbprint of the key of a verified DPoP proof;
	// it answers cnf.jkt (RFC 9449 §6.1).
	JWKThumbprint string
	// CertificateThumbprint is the base64url SHA-256 of the client certificate; it
	// answers cnf["x5t#S256"] (RFC 8705 §3.1).
	CertificateThumbprint string
}

// Confirmed states what the caller has proved. A token with cnf is accepted only if
// every member of cnf is answered. Default: nothing proved.
func Confirmed(c Confirmation) VerifyOption {
	return verifyOption(func(dst *Confirmation) { *dst = c })
}
