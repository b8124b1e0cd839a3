package kinde_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// served verifies with the keys that the tenant publishes at its documented address.
func served(tb testing.TB, client *http.Client) *verifier.Verifier {
	tb.Helper()
	p, err := kinde.Policy(registered)
	if err != nil {
		tb.Fatal(err)
	}
	p.Issuers[0].HTTPClient = client
	v, err := verifier.New(p)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

// newTenant is a tenant with one key of the shape that Kinde's have, for token to be signed with.
func newTenant(tb testing.TB, kid string) (dev *devissuer.Issuer, key *devissuer.Key, token string) {
	tb.Helper()
	key, err := devissuer.NewKey(devissuer.RS256, kid)
	if err != nil {
		tb.Fatal(err)
	}
	dev, err = devissuer.New(tenantURL, devissuer.WithKeys(key), devissuer.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	token, err = dev.Mint(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return dev, key, token
}

const colons = "4a:1c:07:9e:b2:33:5f:80:11:d4:6e:c8:90:2a:7b:9e"

// What Kinde, or whatever stands in its place, may answer where the keys should be.
func TestKeySets(t *testing.T) {
	dev, key, token := newTenant(t, colons)
	jwk := string(key.JWK())
	set := func(entries ...string) []byte { return []byte(`{"keys":[` + strings.Join(entries, ",") + `]}`) }
	jwkOf := func(k *devissuer.Key, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(k.JWK())
	}
	other := jwkOf(devissuer.NewKey(devissuer.RS256, "other"))
	twin := jwkOf(devissuer.NewKey(devissuer.RS256, colons))
	elliptic := jwkOf(devissuer.NewKey(devissuer.ES256, colons))
	weak, err := devissuer.NewWeakKey("weak")
	if err != nil {
		t.Fatal(err)
	}
	payload, err := dev.Payload(nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(key *devissuer.Key, header string) string {
		signedBy, err := dev.SignWith(key, []byte(header), payload)
		if err != nil {
			t.Fatal(err)
		}
		return signedBy
	}
	without := func(member string) string { return strings.Replace(jwk, member, `"x":"y"`, 1) }
	noKid := sign(key, `{"alg":"RS256","typ":"JWT"}`)
	for _, tt := range []struct {
		name, token string
		keys        []byte
		want        verifier.Reason
	}{
		{"kid with colons", token, set(jwk), ""},
		{"several keys", token, set(other, jwk), ""},
		{"no alg", token, set(without(`"alg":"RS256"`)), ""},
		{"no use", token, set(without(`"use":"sig"`)), ""},
		{"another kid", token, set(other), verifier.ReasonUnknownKey},
		{"two keys of one kid", token, set(jwk, twin), verifier.ReasonAmbiguousKey},
		{"EC key of the same kid beside it", token, set(jwk, elliptic), ""},
		{"EC key of the same kid", token, set(elliptic), verifier.ReasonUnusableKey},
		{"for encryption", token, set(strings.Replace(jwk, `"sig"`, `"enc"`, 1), other), verifier.ReasonUnusableKey},
		{"for PS256", token, set(strings.Replace(jwk, `"RS256"`, `"PS256"`, 1), other), verifier.ReasonUnusableKey},
		{"1024 bits", sign(weak, string(weak.Header())), set(string(weak.JWK()), jwk), verifier.ReasonUnusableKey},
		{"entries that are no keys", token, set(`7`, `{"kty":"RSA"}`, `{"kty":"AKP"}`, jwk), ""},
		{"no kid, one key", noKid, set(jwk), ""},
		{"no kid, two keys", noKid, set(jwk, other), verifier.ReasonAmbiguousKey},
		{"no keys", token, set(), verifier.ReasonKeysUnavailable},
		{"no list", token, []byte(`{"error":"not found"}`), verifier.ReasonKeysUnavailable},
		{"a page", token, []byte("<!doctype html><title>Kinde</title>"), verifier.ReasonKeysUnavailable},
		{"3 MB", token, append(set(jwk), bytes.Repeat([]byte(" "), 3<<20)...), verifier.ReasonKeysUnavailable},
	} {
		dev.SetDocument(tt.keys)
		wantReason(t, tt.name, served(t, &http.Client{Transport: dev.RoundTripper()}), tt.token, tt.want)
	}
}

// An answer that has no keys is no statement about a token: 503, and never 401.
func TestKeysThatCannotBeHad(t *testing.T) {
	for status, header := range map[int]http.Header{
		http.StatusForbidden: nil, http.StatusTooManyRequests: {"Retry-After": {"60"}}, http.StatusInternalServerError: nil,
		http.StatusFound: {"Location": {"https://elsewhere.example/.well-known/jwks"}}, // is not followed
	} {
		dev, _, token := newTenant(t, "")
		dev.FailWith(status, header, dev.JWKS())
		v := served(t, &http.Client{Transport: dev.RoundTripper()})
		wantReason(t, fmt.Sprint("status ", status), v, token, verifier.ReasonKeysUnavailable)
		if got, _ := called(t, protected(t, v), http.MethodGet, "Bearer "+token); got != http.StatusServiceUnavailable {
			t.Errorf("status %d of the keys: status %d, want 503", status, got)
		}
	}
	if fix := verifier.ReasonKeysUnavailable.Fix(); !strings.Contains(fix, "check domain") {
		t.Errorf("fix %q", fix)
	}
	synctest.Test(t, func(t *testing.T) {
		issuer := verifiertest.NewIssuer(t, verifiertest.WithURL(tenantURL))
		v := newVerifier(t, registered, issuer)
		issuer.Outage(verifiertest.OutageHang)
		began := time.Now()
		wantReason(t, "hanging", v, issuer.Token(forAPI), verifier.ReasonKeysUnavailable)
		if waited := time.Since(began); waited > 30*time.Second {
			t.Errorf("a token waited for %v", waited)
		}
	})
}

// The tenant changes its key while somebody makes up kids.
func TestRotationsOfATenant(t *testing.T) {
	for name, tt := range map[string]struct {
		rotate func(*verifiertest.Issuer) string
		old    verifier.Reason
	}{
		"overlap":         {(*verifiertest.Issuer).Rotate, ""},
		"without overlap": {(*verifiertest.Issuer).Replace, verifier.ReasonUnknownKey},
	} {
		synctest.Test(t, func(t *testing.T) {
			issuer := verifiertest.NewIssuer(t, verifiertest.WithURL(tenantURL))
			v := newVerifier(t, registered, issuer)
			old := issuer.Token(forAPI)
			forged := old[strings.IndexByte(old, '.'):]
			wantReason(t, name+", before", v, old, "")
			time.Sleep(time.Minute)
			began := issuer.Fetches()
			for i := range 1000 {
				wantReason(t, name+", made up", v, encoded(fmt.Sprintf(`{"alg":"RS256","kid":"made-up-%d"}`, i))+forged, verifier.ReasonUnknownKey)
				time.Sleep(10 * time.Millisecond)
			}
			tt.rotate(issuer)
			fresh := issuer.Token(forAPI)
			for range 30 { // within 24 s and a fetch, flood and all
				time.Sleep(time.Second)
				_, _ = v.Verify(t.Context(), encoded(`{"alg":"RS256","kid":"made-up"}`)+forged)
				_, _ = v.Verify(t.Context(), fresh)
			}
			wantReason(t, name+", the new key", v, fresh, "")
			wantReason(t, name+", the old key", v, old, tt.old)
			if n := issuer.Fetches() - began; n > 4 {
				t.Errorf("%s: %d fetches in 40 s, want at most 4", name, n)
			}
		})
	}
}

// Tokens of one domain are good for no other, and environments are domains.
func TestDomainsAreNotInterchangeable(t *testing.T) {
	own := verifiertest.NewIssuer(t, verifiertest.WithURL("https://auth.bookshop.example"))
	sub := verifiertest.NewIssuer(t, verifiertest.WithURL(tenantURL))
	dev := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop-dev.kinde.com"))
	for name, tt := range map[string]struct {
		domain  *verifiertest.Issuer
		foreign *verifiertest.Issuer
	}{
		"custom domain's token at the sub-domain":   {sub, own},
		"sub-domain's token at the custom domain":   {own, sub},
		"development's token, of the same audience": {sub, dev},
	} {
		v := newVerifier(t, kinde.Config{Domain: tt.domain.URL(), Audiences: []string{audience}}, tt.domain)
		wantReason(t, name, v, tt.foreign.Token(forAPI), verifier.ReasonIssuer)
		wantReason(t, name+", other way", v, tt.domain.Token(forAPI), "")
	}
}
