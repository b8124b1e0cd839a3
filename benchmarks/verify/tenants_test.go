package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore/lru"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// many is what one verifier spends on many issuers that it learns of at runtime.
type many struct {
	tenants, hot int
	bytes        float64 // of the heap, for each
	goroutines   int     // that stay
	// One verification, in ns: by the hot among the many, and by a verifier of one issuer.
	p50, p99, onlyP50, onlyP99 float64
	times                      taken // medians of each round
}

// estate is a number of issuers with two RSA keys each, in memory. Key material is shared, since
// making so many keys takes hours; a verifier cannot tell.
type estate struct {
	*testing.T
	signer *devissuer.Issuer
	pool   []*devissuer.Key
	client *http.Client
}

const tenantHost = ".tenants.example.test"

func newEstate(t *testing.T) *estate {
	t.Helper()
	e := &estate{T: t}
	for range 4 {
		k, err := devissuer.NewKey(devissuer.RS256, "")
		if err != nil {
			t.Fatal(err)
		}
		e.pool = append(e.pool, k)
	}
	signer, err := devissuer.New(issuerURL, devissuer.WithKeys(e.pool[0]), devissuer.WithAudience(audience))
	if err != nil {
		t.Fatal(err)
	}
	e.signer, e.client = signer, &http.Client{Transport: e}
	return e
}

func (e *estate) url(n int) string { return fmt.Sprintf("https://shop-%05d%s", n, tenantHost) }

// kid has the length of Kinde's.
func (*estate) kid(n, key int) string {
	return fmt.Sprintf("%05d:%d:", n, key) + strings.Repeat("ab:", 13)
}

// resolve accepts every tenant, with a client that it has for all.
func (e *estate) resolve(_ context.Context, iss string) (verifier.Issuer, bool, error) {
	return verifier.Issuer{URL: iss, JWKSURL: iss + "/jwks", HTTPClient: e.client}, strings.HasSuffix(iss, tenantHost), nil
}

// RoundTrip serves the key set of a tenant.
func (e *estate) RoundTrip(r *http.Request) (*http.Response, error) {
	var n int
	if _, err := fmt.Sscanf(r.URL.Host, "shop-%d", &n); err != nil {
		return nil, fmt.Errorf("no such tenant: %w", err)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	for i := range 2 {
		var member map[string]any
		if err := json.Unmarshal(e.pool[(n+i)%len(e.pool)].JWK(), &member); err != nil {
			return nil, fmt.Errorf("key set: %w", err)
		}
		member["kid"] = e.kid(n, i)
		set.Keys = append(set.Keys, member)
	}
	doc, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(doc)), ContentLength: int64(len(doc)), Request: r,
	}, nil
}

func (e *estate) token(n int) string {
	e.Helper()
	payload, err := e.signer.Payload(devissuer.Claims{"iss": e.url(n)})
	if err != nil {
		e.Fatal(err)
	}
	header := fmt.Sprintf(`{"alg":"RS256","kid":%q,"typ":"JWT"}`, e.kid(n, 0))
	token, err := e.signer.SignWith(e.pool[n%len(e.pool)], []byte(header), payload)
	if err != nil {
		e.Fatal(err)
	}
	return token
}

// verifier knows size tenants at a time.
func (e *estate) verifier(size int) *verifier.Verifier {
	e.Helper()
	store, err := lru.New(size)
	if err != nil {
		e.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{Audiences: []string{audience}, Keys: verifier.KeyLifecycle{MaxDynamicSources: size}},
		verifier.WithIssuerResolver(e.resolve), verifier.WithKeyStore(store))
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = v.Close() })
	return v
}

func (e *estate) accepts(v *verifier.Verifier, token string) {
	e.Helper()
	if _, err := v.Verify(e.Context(), token); err != nil {
		e.Fatal(err)
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held on to
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// takeTenants lets one verifier see every tenant, and then the hot ones in any order.
func (o *outcome) takeTenants(t *testing.T, effort effort) {
	e := newEstate(t)
	m := many{tenants: effort.tenants, hot: max(1, effort.tenants/10), times: taken{}}
	hot := make([]string, m.hot)
	for i := range hot {
		hot[i] = e.token(i * 10)
	}
	only := e.verifier(1)
	e.accepts(only, hot[0])
	v := e.verifier(m.tenants)
	began, goroutines := heap(), runtime.NumGoroutine()
	for n := range m.tenants {
		e.accepts(v, e.token(n))
	}
	m.bytes = (heap() - began) / float64(m.tenants)
	m.goroutines = max(0, runtime.NumGoroutine()-goroutines)
	var among, alone []float64
	for range effort.rounds {
		var a, b []float64
		for range min(1000, 10*m.hot) {
			a = append(a, e.once(v, hot[rand.IntN(len(hot))]))
			b = append(b, e.once(only, hot[0]))
		}
		m.times["many"] = append(m.times["many"], spreadOf(a).middle)
		m.times["one"] = append(m.times["one"], spreadOf(b).middle)
		among, alone = append(among, a...), append(alone, b...)
	}
	slices.Sort(among)
	slices.Sort(alone)
	m.p50, m.p99, m.onlyP50, m.onlyP99 = quantile(among, 0.5), quantile(among, 0.99), quantile(alone, 0.5), quantile(alone, 0.99)
	t.Logf("%d bytes for each of %d", int(m.bytes), m.tenants)
	o.many = m
}

// once times one verification.
func (e *estate) once(v *verifier.Verifier, token string) float64 {
	e.Helper()
	began := time.Now()
	_, err := v.Verify(e.Context(), token)
	took := time.Since(began)
	if err != nil {
		e.Fatal(err)
	}
	return float64(took)
}
