package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// tenant is a development issuer that signs fast.
func tenant(tb testing.TB, url string) *devissuer.Issuer {
	tb.Helper()
	iss, err := devissuer.New(url, devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	return iss
}

func fromIssuer(i *devissuer.Issuer) verifier.Issuer {
	return verifier.Issuer{URL: i.URL(), HTTPClient: &http.Client{Transport: i.RoundTripper()}}
}

func mint(tb testing.TB, i *devissuer.Issuer, c devissuer.Claims) string {
	tb.Helper()
	token, err := i.Mint(c)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func verifierOf(tb testing.TB, opts []verifier.Option, issuers ...verifier.Issuer) *verifier.Verifier {
	tb.Helper()
	v, err := verifier.New(verifier.Policy{Issuers: issuers, Audiences: []string{audience}}, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

func TestBadSignaturesCauseNoFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, nil, fromIssuer(iss))
		good := mint(t, iss, nil)
		wantReason(t, v, good, "")
		time.Sleep(2 * time.Second)
		before := iss.Counts().JWKS
		bad := good[:len(good)-86] + strings.Repeat("A", 86)
		for range 100 {
			wantReason(t, v, bad, verifier.ReasonSignature)
		}
		if n := iss.Counts().JWKS - before; n != 0 {
			t.Errorf("100 bad signatures caused %d fetches", n)
		}
	})
}

// Keys never cross issuers, also under the same kid.
func TestKeysBelongToTheirIssuer(t *testing.T) {
	a, b := tenant(t, "https://a.example.test"), tenant(t, "https://b.example.test")
	shared, err := devissuer.NewKey(devissuer.Ed25519, a.Key().ID())
	if err != nil {
		t.Fatal(err)
	}
	b2, err := devissuer.New("https://b.example.test", devissuer.WithKeys(shared), devissuer.WithAudience(audience))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []*devissuer.Issuer{b, b2} {
		v := verifierOf(t, nil, fromIssuer(a), fromIssuer(other))
		wantReason(t, v, mint(t, a, nil), "")
		wantReason(t, v, mint(t, other, nil), "")
		payload, err := a.Payload(nil)
		if err != nil {
			t.Fatal(err)
		}
		crossed, err := a.SignWith(other.Key(), other.Key().Header(), payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), crossed); !errors.Is(err, verifier.ErrInvalidToken) {
			t.Errorf("a token of one issuer under a key of the other: %v", err)
		}
	}
}

func TestIssuerResolver(t *testing.T) {
	tenants, known := map[string]*devissuer.Issuer{}, map[string]verifier.Issuer{}
	for _, name := range []string{"one", "two"} {
		url := "https://login.example.test/" + name + "/v2.0"
		tenants[url] = tenant(t, url)
		known[url] = fromIssuer(tenants[url])
	}
	boom := errors.New("boom")
	allowed := map[string]bool{}
	asked := 0
	resolve := func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
		asked++
		switch {
		case strings.HasSuffix(iss, "/broken"):
			return verifier.Issuer{}, false, boom
		case strings.HasSuffix(iss, "/other"):
			return verifier.Issuer{URL: "https://elsewhere.example.test"}, true, nil
		case strings.HasSuffix(iss, "/plain"):
			return verifier.Issuer{URL: iss}, strings.HasPrefix(iss, "http://"), nil
		case tenants[iss] == nil || !allowed[iss]:
			return verifier.Issuer{}, false, nil
		}
		return known[iss], true, nil
	}
	v := verifierOf(t, []verifier.Option{verifier.WithIssuerResolver(resolve)})
	for url, iss := range tenants {
		token := mint(t, iss, nil)
		wantReason(t, v, token, verifier.ReasonIssuer) // not allowed yet
		if n := iss.Counts(); n != (devissuer.Counts{}) {
			t.Errorf("a tenant that is not allowed was asked: %+v", n)
		}
		allowed[url] = true
		wantReason(t, v, token, "")
		wantReason(t, v, token, "")
		if n := iss.Counts().JWKS; n != 1 {
			t.Errorf("%d fetches for two tokens", n)
		}
		allowed[url] = false
		wantReason(t, v, token, verifier.ReasonIssuer) // and out at once
		allowed[url] = true
	}
	for suffix, want := range map[string]verifier.Reason{
		"https://x.example.test/broken": verifier.ReasonIssuerUnavailable, "https://x.example.test/other": verifier.ReasonMisconfigured,
		"http://x.example.test/plain": verifier.ReasonMisconfigured, "https://x.example.test/nobody": verifier.ReasonIssuer,
	} {
		wantReason(t, v, mint(t, tenant(t, suffix), nil), want)
	}
	before := asked
	wantReason(t, v, mint(t, tenant(t, "https://x.example.test/"+strings.Repeat("x", 3000)), nil), verifier.ReasonIssuer)
	if asked != before {
		t.Error("the resolver was asked about an iss of 3 KB")
	}
}

// A tenant whose settings change gets a new source with them.
func TestResolvedIssuerChanges(t *testing.T) {
	iss := tenant(t, issuerURL)
	from := fromIssuer(iss)
	v := verifierOf(t, []verifier.Option{
		verifier.WithIssuerResolver(func(context.Context, string) (verifier.Issuer, bool, error) { return from, true, nil }),
	})
	token := mint(t, iss, nil)
	wantReason(t, v, token, "")
	from.Audiences = []string{"https://special.example.test"}
	wantReason(t, v, token, verifier.ReasonAudience)
	from.Audiences, from.DeniedKeys = nil, []string{iss.Key().ID()}
	wantReason(t, v, token, verifier.ReasonDeniedKey)
	from.DeniedKeys = nil
	wantReason(t, v, token, "")
}

func TestOperators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, nil, fromIssuer(iss))
		token := mint(t, iss, nil)
		if err := v.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h := v.Health(); h.Status != verifier.StatusOK || len(h.Issuers[0].KeyIDs) != 1 || h.Issuers[0].TimeLeft < 23*time.Hour {
			t.Errorf("health %+v", h)
		}
		wantReason(t, v, token, "")
		if err := v.Purge(t.Context(), issuerURL); err != nil || iss.Counts().JWKS != 2 {
			t.Errorf("purge: %v after %d fetches", err, iss.Counts().JWKS)
		}
		wantReason(t, v, token, "")
		if err := v.RevokeKey(t.Context(), issuerURL, iss.Key().ID()); err != nil {
			t.Fatal(err)
		}
		wantReason(t, v, token, verifier.ReasonDeniedKey)
		for name, err := range map[string]error{
			"revoke elsewhere": v.RevokeKey(t.Context(), "https://x.example.test", "k"), "revoke nothing": v.RevokeKey(t.Context(), issuerURL, ""),
			"purge elsewhere": v.Purge(t.Context(), "https://x.example.test"),
		} {
			if !errors.Is(err, verifier.ErrMisconfigured) {
				t.Errorf("%s: %v", name, err)
			}
		}
		iss.Fail(http.StatusForbidden)
		cold := verifierOf(t, nil, fromIssuer(iss))
		if err := cold.Warm(t.Context()); !errors.Is(err, verifier.ErrUnavailable) {
			t.Errorf("warming up on a failing issuer: %v", err)
		}
		h := cold.Health()
		if h.Status != verifier.StatusUnavailable || !strings.Contains(h.Issuers[0].Problem, "403") || strings.Contains(h.Issuers[0].Problem, "://") {
			t.Errorf("health %+v", h)
		}
	})
}

func TestRunKeepsKeysFreshWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		v := verifierOf(t, nil, fromIssuer(iss))
		wantReason(t, v, mint(t, iss, nil), "")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- v.Run(ctx) }()
		time.Sleep(50 * time.Minute)
		if n := iss.Counts().JWKS; n < 10 || n > 14 {
			t.Errorf("%d fetches in 50 minutes without requests", n)
		}
		time.Sleep(5 * time.Hour)
		unused := iss.Counts().JWKS
		if unused > 16 {
			t.Errorf("%d fetches: an unused issuer is not left alone", unused)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		_ = v.Close()
		if err := v.Run(t.Context()); !errors.Is(err, verifier.ErrUnavailable) {
			t.Errorf("Run after Close: %v", err)
		}
	})
}

func TestLogTellsTransitionsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		iss := tenant(t, issuerURL)
		v := verifierOf(t, []verifier.Option{verifier.WithLogger(logger)}, fromIssuer(iss))
		token := mint(t, iss, nil)
		use := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Second) {
				_, _ = v.Verify(t.Context(), token)
			}
		}
		use(time.Minute)
		iss.Fail(http.StatusInternalServerError)
		use(time.Hour)
		iss.Fail(0)
		use(10 * time.Minute)
		if _, err := iss.Rotate(); err != nil {
			t.Fatal(err)
		}
		use(10 * time.Minute)
		synctest.Wait()
		for text, want := range map[string]int{
			"keys changed": 2, "the last refresh failed": 1, "the keys are stale": 1, "well again": 1, "level=WARN": 2,
		} {
			if n := strings.Count(log.String(), text); n != want {
				t.Errorf("%q is logged %d times, want %d:\n%s", text, n, want, log.String())
			}
		}
		if strings.Contains(log.String(), "eyJ") || strings.Contains(log.String(), devissuer.DefaultSubject) {
			t.Error("the log holds something of a token")
		}
	})
}
