package keyring_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

const issuerURL = "https://issuer.example.test"

var issuerID = keystore.ID{Issuer: issuerURL}

// fakeIssuer is an issuer without HTTP: a Fetcher whose answers a test sets.
type fakeIssuer struct {
	mu         sync.Mutex
	kids       []string
	document   []byte // replaces the kids' document if not nil
	err        error
	latency    time.Duration
	hang       chan struct{}
	etag       string
	freshFor   time.Duration
	discovers  int
	fetches    []time.Time
	began      time.Time
	discoverer func() (string, error)
	requests   []jwks.Request
}

func newFakeIssuer(kids ...string) *fakeIssuer {
	return &fakeIssuer{kids: kids, latency: 50 * time.Millisecond, began: time.Now()}
}

// change runs f with the fake locked.
func (f *fakeIssuer) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fakeIssuer) publish(kids ...string) { f.change(func() { f.kids = kids }) }
func (f *fakeIssuer) fail(err error)         { f.change(func() { f.err = err }) }

func (f *fakeIssuer) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fetches)
}

// request returns the nth request, from the end if n is negative.
func (f *fakeIssuer) request(n int) jwks.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n < 0 {
		n += len(f.requests)
	}
	return f.requests[n]
}

func (f *fakeIssuer) Discover(ctx context.Context) (string, error) {
	f.mu.Lock()
	f.discovers++
	do := f.discoverer
	f.mu.Unlock()
	if do != nil {
		return do()
	}
	return issuerURL + "/jwks", ctx.Err()
}

func (f *fakeIssuer) Fetch(ctx context.Context, r jwks.Request) (*jwks.Answer, error) {
	f.mu.Lock()
	f.fetches = append(f.fetches, time.Now())
	f.requests = append(f.requests, r)
	latency, hang := f.latency, f.hang
	f.mu.Unlock()
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	a := &jwks.Answer{ETag: f.etag, FreshFor: f.freshFor, HasFreshFor: f.freshFor > 0}
	if f.etag != "" && r.ETag == f.etag {
		a.NotModified = true
		return a, nil
	}
	a.Document = f.document
	if a.Document == nil {
		a.Document = document(f.kids...)
	}
	return a, nil
}

var errDown = errors.New("the issuer is down")

// document is a JWK Set of Ed25519 keys, one for each kid and derived from it.
func document(kids ...string) []byte {
	entries := make([]string, len(kids))
	for i, kid := range kids {
		seed := make([]byte, ed25519.SeedSize)
		copy(seed, kid)
		pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		entries[i] = fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":%q,"x":%q}`,
			kid, base64.RawURLEncoding.EncodeToString(pub))
	}
	return []byte(`{"keys":[` + strings.Join(entries, ",") + `]}`)
}

// renamed is the document of a key under another kid.
func renamed(tb testing.TB, kid, as string) []byte {
	tb.Helper()
	return []byte(strings.Replace(string(document(kid)), strconv.Quote(kid), strconv.Quote(as), 1))
}

// source returns a source over the fake, with a store of its own unless one is given.
func source(tb testing.TB, f keyring.Fetcher, cfg keyring.Config, stores ...keystore.KeyStore) *keyring.Source {
	tb.Helper()
	s, ring := sourceAndRing(tb, f, cfg, stores...)
	tb.Cleanup(ring.Close)
	return s
}

func sourceAndRing(
	tb testing.TB, f keyring.Fetcher, cfg keyring.Config, stores ...keystore.KeyStore,
) (*keyring.Source, *keyring.Ring) {
	tb.Helper()
	cfg, err := cfg.Check()
	if err != nil {
		tb.Fatal(err)
	}
	var store keystore.KeyStore = memory.New()
	if len(stores) > 0 {
		store = stores[0]
	}
	ring := keyring.New(cfg, keyring.Options{Store: store, Shared: len(stores) > 0})
	s := ring.Source(issuerID, f, nil)
	ring.Keep(s)
	return s, ring
}

// lookUp asks for a key as a promising token would and returns 0 if it is there.
func lookUp(tb testing.TB, s *keyring.Source, kid string) keyring.Code {
	tb.Helper()
	code, _ := lookUpContext(tb.Context(), s, kid)
	return code
}

func lookUpContext(ctx context.Context, s *keyring.Source, kid string) (keyring.Code, time.Duration) {
	key, _, err := s.Key(ctx, time.Now(), jws.EdDSA, kid, true)
	var ke *keyring.Error
	switch {
	case err == nil && key.ID() == kid:
		return 0, 0
	case errors.As(err, &ke):
		return ke.Code, ke.RetryAfter
	default:
		panic(fmt.Sprintf("key %v, error %v", key, err))
	}
}

func wantCode(tb testing.TB, s *keyring.Source, kid string, want keyring.Code) {
	tb.Helper()
	if got := lookUp(tb, s, kid); got != want {
		tb.Errorf("key %q: %v, want %v", kid, got, want)
	}
}

// settle gives the background, such as the saving of a record, time to finish.
func settle() {
	time.Sleep(time.Millisecond)
	synctest.Wait()
}

func wantFetches(tb testing.TB, f *fakeIssuer, want int) {
	tb.Helper()
	if got := f.count(); got != want {
		tb.Errorf("%d fetches, want %d", got, want)
	}
}
