package verifiertest

import (
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// Audience is what good tokens are for, and what [Issuer.Policy] demands.
const Audience = "https://api.example.test"

// Claims replace members of a token's payload by name; a value of [Omit] removes the member.
// Values are encoded as encoding/json does, except [devissuer.FromNow].
type Claims = devissuer.Claims

// Omit as a claim's value removes the claim.
const Omit = devissuer.Omit

// Issuer is an issuer that a test controls. What goes wrong in it fails the test. Its
// methods are safe for concurrent use.
type Issuer struct {
	tb     testing.TB
	dev    *devissuer.Issuer
	client *http.Client
}

// Option configures [NewIssuer].
type Option func(*config)

type config struct {
	url       string
	algorithm devissuer.Algorithm
	listener  bool
}

// WithURL sets the exact iss. It has no effect beside [WithListener], whose socket is the iss.
// Default: https://issuer.example.test.
func WithURL(url string) Option { return func(c *config) { c.url = url } }

// WithAlgorithm sets the algorithm of tokens. Default: RS256.
func WithAlgorithm(a verifier.Algorithm) Option {
	return func(c *config) { c.algorithm = devissuer.Algorithm(a) }
}

// WithListener serves on a loopback socket, for programs that cannot be given a client. Not
// for a testing/synctest bubble. Default: in memory.
func WithListener() Option { return func(c *config) { c.listener = true } }

// NewIssuer returns an issuer that lives as long as the test.
func NewIssuer(tb testing.TB, opts ...Option) *Issuer {
	tb.Helper()
	c := config{url: "https://issuer.example.test", algorithm: devissuer.RS256}
	for _, o := range opts {
		o(&c)
	}
	i := &Issuer{tb: tb}
	var listener net.Listener
	if c.listener {
		var err error
		if listener, err = new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0"); err != nil {
			tb.Fatalf("verifiertest: listen: %v", err)
		}
		c.url = "http://" + listener.Addr().String()
	}
	// One key to sign with, and two to rotate to.
	dev, err := devissuer.New(c.url, devissuer.WithKeys(lend(tb, c.algorithm, 3)...), devissuer.WithAudience(Audience))
	if err != nil {
		tb.Fatalf("verifiertest: %v", err)
	}
	i.dev = dev
	i.client = &http.Client{Transport: dev.RoundTripper()}
	if listener != nil {
		server := httptest.NewUnstartedServer(dev)
		_ = server.Listener.Close() // made unasked
		server.Listener = listener
		server.Start()
		tb.Cleanup(server.Close)
		i.client = server.Client()
	}
	tb.Cleanup(dev.Release) // nothing may go on waiting
	return i
}

// shelf keeps generated keys for the next test: making an RSA key takes longer than most
// tests. A key is lent to one issuer at a time.
var shelf struct {
	sync.Mutex
	keys map[devissuer.Algorithm][]*devissuer.Key
}

// lend returns n keys, and takes them back at the end of the test.
func lend(tb testing.TB, a devissuer.Algorithm, n int) []*devissuer.Key {
	tb.Helper()
	shelf.Lock()
	ready := shelf.keys[a]
	taken := min(n, len(ready))
	keys := append([]*devissuer.Key(nil), ready[:taken]...)
	if shelf.keys == nil {
		shelf.keys = make(map[devissuer.Algorithm][]*devissuer.Key)
	}
	shelf.keys[a] = ready[taken:]
	shelf.Unlock()
	for len(keys) < n {
		k, err := devissuer.NewKey(a, "")
		if err != nil {
			tb.Fatalf("verifiertest: %v", err)
		}
		keys = append(keys, k)
	}
	tb.Cleanup(func() {
		shelf.Lock()
		defer shelf.Unlock()
		shelf.keys[a] = append(shelf.keys[a], keys...)
	})
	return keys
}

// URL returns the exact iss.
func (i *Issuer) URL() string { return i.dev.URL() }

// Client returns a client that reaches the issuer.
func (i *Issuer) Client() *http.Client { return i.client }

// Policy returns a policy that accepts the issuer's tokens for [Audience].
func (i *Issuer) Policy() verifier.Policy {
	return verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: i.dev.URL(), HTTPClient: i.client}},
		Audiences: []string{Audience},
	}
}

// Verifier returns a verifier under [Issuer.Policy], closed at the end of the test.
func (i *Issuer) Verifier(opts ...verifier.Option) *verifier.Verifier {
	i.tb.Helper()
	v, err := verifier.New(i.Policy(), opts...)
	if err != nil {
		i.tb.Fatalf("verifiertest: %v", err)
	}
	i.tb.Cleanup(func() { _ = v.Close() })
	return v
}

// Token returns a good token for [Audience], in the shape of a Kinde user's, with claims
// replaced; of several maps the later win.
func (i *Issuer) Token(claims ...Claims) string {
	i.tb.Helper()
	all := Claims{}
	for _, c := range claims {
		maps.Copy(all, c)
	}
	token, err := i.dev.Mint(all)
	if err != nil {
		i.tb.Fatalf("verifiertest: %v", err)
	}
	return token
}

// Verified returns a verified token, for tests of what comes after verification. It takes the
// keys without a fetch, and so works while the issuer fails.
func (i *Issuer) Verified(claims ...Claims) *verifier.Token {
	i.tb.Helper()
	p := i.Policy()
	p.Issuers = []verifier.Issuer{{URL: i.dev.URL(), StaticJWKS: i.dev.JWKS()}}
	v, err := verifier.New(p)
	if err != nil {
		i.tb.Fatalf("verifiertest: %v", err)
	}
	defer func() { _ = v.Close() }()
	token, err := v.Verify(i.tb.Context(), i.Token(claims...))
	if err != nil {
		i.tb.Fatalf("verifiertest: the token is not acceptable: %v", err)
	}
	return token
}

// Fetches returns how often the key set was asked for.
func (i *Issuer) Fetches() int { return i.dev.Counts().JWKS }
