package scenarios_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// keys are generated once: making RSA keys takes longer than the scenarios.
var keys = sync.OnceValue(func() []*devissuer.Key {
	all := make([]*devissuer.Key, 3)
	for i := range all {
		k, err := devissuer.NewKey(devissuer.RS256, "")
		if err != nil {
			panic(err)
		}
		all[i] = k
	}
	return all
})

// scene is an issuer in memory and one contender that trusts it.
type scene struct {
	*testing.T
	issuer  *devissuer.Issuer
	latency time.Duration
	verify  verify
	client  *http.Client
	start   func()
	before  []byte // the key set before a rotation
}

func newScene(t *testing.T, c contender) *scene {
	t.Helper()
	issuer, err := devissuer.New("https://issuer.example.test", devissuer.WithKeys(keys()...), devissuer.WithAudience(audience))
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{T: t, issuer: issuer, latency: 50 * time.Millisecond}
	s.client = &http.Client{Transport: s, Timeout: 30 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	s.start = func() { s.verify = c.start(ctx, t, s.client, issuer.URL(), issuer.JWKSURL()) }
	return s
}

// RoundTrip takes its time, and fails while the issuer is down.
func (s *scene) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s.latency):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return s.issuer.RoundTripper().RoundTrip(r)
}

// accepts verifies as a request of ten seconds would.
func (s *scene) accepts(token string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.verify(ctx, token) == nil
}

func (s *scene) token(c devissuer.Claims) string {
	s.Helper()
	token, err := s.issuer.Mint(c)
	if err != nil {
		s.Fatal(err)
	}
	return token
}

// madeUp is a token under a kid that nobody publishes.
func (s *scene) madeUp(kid string) string {
	s.Helper()
	payload, err := s.issuer.Payload(nil)
	if err != nil {
		s.Fatal(err)
	}
	token, err := s.issuer.Sign([]byte(`{"alg":"RS256","kid":"`+kid+`","typ":"JWT"}`), payload)
	if err != nil {
		s.Fatal(err)
	}
	return token
}

// warm starts the contender and lets it see a good token.
func (s *scene) warm() string {
	s.Helper()
	s.start()
	good := s.token(nil)
	if !s.accepts(good) {
		s.Fatal("a good token is refused from the start")
	}
	return good
}

func (s *scene) fetches() int { return s.issuer.Counts().JWKS }

func (s *scene) rotate() {
	s.Helper()
	if _, err := s.issuer.Rotate(); err != nil {
		s.Fatal(err)
	}
}
