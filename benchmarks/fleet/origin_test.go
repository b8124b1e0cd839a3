package fleet_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const audience = "https://api.example.test"

// keys are generated once: making RSA keys takes longer than the scenarios.
var keys = sync.OnceValue(func() []*devissuer.Key {
	all := make([]*devissuer.Key, 8)
	for i := range all {
		k, err := devissuer.NewKey(devissuer.RS256, "")
		if err != nil {
			panic(err)
		}
		all[i] = k
	}
	return all
})

// origin is the issuer, and who asked it when.
type origin struct {
	*devissuer.Issuer
	tb      testing.TB
	latency time.Duration

	mu    sync.Mutex
	asked []time.Time
}

func newOrigin(tb testing.TB, url string) *origin {
	tb.Helper()
	issuer, err := devissuer.New(url, devissuer.WithKeys(keys()...), devissuer.WithAudience(audience), devissuer.WithLifetime(72*time.Hour))
	if err != nil {
		tb.Fatal(err)
	}
	return &origin{Issuer: issuer, tb: tb, latency: 200 * time.Millisecond}
}

// note counts requests for keys. Those for metadata are part of the same attempt.
func (o *origin) note(r *http.Request) {
	if r.URL.Path != "/.well-known/jwks" && r.URL.Path != "/.well-known/jwks.json" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, time.Now())
}

// RoundTrip reaches the issuer without a socket, and takes its time.
func (o *origin) RoundTrip(r *http.Request) (*http.Response, error) {
	o.note(r)
	if err := sleep(r.Context(), o.latency); err != nil {
		return nil, err
	}
	return o.RoundTripper().RoundTrip(r)
}

// ServeHTTP is the same over a socket.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.note(r)
	if sleep(r.Context(), o.latency) == nil {
		o.Issuer.ServeHTTP(w, r)
	}
}

// since returns the fetches that began at t or later.
func (o *origin) since(t time.Time) []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, _ := slices.BinarySearchFunc(o.asked, t, time.Time.Compare)
	return slices.Clone(o.asked[i:])
}

// most returns the greatest number of fetches within any span of this length.
func most(fetches []time.Time, within time.Duration) int {
	n, first := 0, 0
	for i, t := range fetches {
		for t.Sub(fetches[first]) >= within {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}

func (o *origin) token() string {
	o.tb.Helper()
	token, err := o.Mint(nil)
	if err != nil {
		o.tb.Fatal(err)
	}
	return token
}

// rotated signs with a new key from now on, and returns the first token under it.
func (o *origin) rotated() string {
	o.tb.Helper()
	if _, err := o.Rotate(); err != nil {
		o.tb.Fatal(err)
	}
	return o.token()
}

// forger returns a function that makes tokens under kids that nobody publishes. They are good
// in all else that is looked at before the key, and share a signature.
func (o *origin) forger() func(kid string) string {
	o.tb.Helper()
	payload, err := o.Payload(nil)
	if err != nil {
		o.tb.Fatal(err)
	}
	signed, err := o.Sign([]byte(`{"alg":"RS256"}`), payload)
	if err != nil {
		o.tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(signed, ".")
	return func(kid string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"`+kid+`","typ":"JWT"}`)) + "." + rest
	}
}

func (o *origin) policy(jwksURL string) verifier.Policy {
	return verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: o.URL(), JWKSURL: jwksURL}},
		Audiences: []string{audience},
	}
}
