package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// Everything that is wrong is told at once, each under its own field.
func TestNewJoinsWhatIsWrongWithEveryIssuer(t *testing.T) {
	p := goodPolicy()
	p.AllowAnyAudienceUnsafe, p.Audiences, p.AuthorizedParties = true, nil, []string{"client-1", ""}
	p.Issuers = []verifier.Issuer{
		{URL: issuerURL, Audiences: []string{audience}, StaticJWKS: testKey().jwks, HTTPClient: http.DefaultClient}, //nolint:forbidigo // is refused
		{URL: "https://two.example.test#", DeniedKeys: []string{""}, JWKSURL: "http://keys.example.test"},
		{URL: "https://"}, {URL: "ldap://x"}, {URL: "%"},
	}
	v, err := verifier.New(p, verifier.WithIssuerResolver(nil), verifier.WithLogger(nil), verifier.WithOpaqueTokens(nil), nil)
	if v != nil || !errors.Is(err, verifier.ErrMisconfigured) {
		t.Fatalf("New returned %v, %v", v, err)
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		"verifier: WithIssuerResolver: the function is nil", "verifier: WithLogger: the logger is nil",
		"verifier: WithOpaqueTokens: the function is nil", "verifier: an Option is nil",
		"verifier: Policy.Issuers[0].StaticJWKS contradicts", "verifier: Policy.Issuers[0].Audiences contradicts Policy.AllowAnyAudienceUnsafe",
		"verifier: Policy.Issuers[1].URL has a fragment", "verifier: Policy.Issuers[1].JWKSURL is plain http",
		"verifier: Policy.Issuers[1].Audiences or DeniedKeys holds an empty string", "verifier: Policy.Issuers[2].URL is not an absolute URL",
		"verifier: Policy.Issuers[3].URL is not an https URL", "verifier: Policy.Issuers[4].URL is not an absolute URL",
		"verifier: Policy.AuthorizedParties holds an empty string",
	} {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q is said %d times in\n%v", want, n, err)
		}
	}
	if len(lines) != 13 {
		t.Errorf("%d lines, want 13:\n%v", len(lines), err)
	}
}

// A resolver's mistake is one of this program, and what it was is in the cause.
func TestResolversThatAreWrongAreToldWhy(t *testing.T) {
	var from verifier.Issuer
	var failure error
	p := goodPolicy()
	p.Issuers = nil
	v := newVerifier(t, p, verifier.WithIssuerResolver(func(context.Context, string) (verifier.Issuer, bool, error) { return from, true, failure }))
	token := sign(t, goodHeader(), goodClaims())
	for name, tt := range map[string]struct {
		from verifier.Issuer
		err  error
		want verifier.Reason
		says string
	}{
		"no JWK Set":     {verifier.Issuer{URL: issuerURL, StaticJWKS: []byte("{}")}, nil, verifier.ReasonMisconfigured, "StaticJWKS is not a JWK Set"},
		"no usable key":  {verifier.Issuer{URL: issuerURL, StaticJWKS: []byte(`{"keys":[]}`)}, nil, verifier.ReasonMisconfigured, "no usable key"},
		"contradiction":  {verifier.Issuer{URL: issuerURL, StaticJWKS: testKey().jwks, JWKSURL: issuerURL}, nil, verifier.ReasonMisconfigured, "StaticJWKS contradicts"},
		"empty audience": {verifier.Issuer{URL: issuerURL, StaticJWKS: testKey().jwks, Audiences: []string{""}}, nil, verifier.ReasonMisconfigured, "empty string"},
		"another issuer": {verifier.Issuer{URL: issuerURL + "/"}, nil, verifier.ReasonMisconfigured, "another issuer"},
		"nobody knows":   {verifier.Issuer{}, errors.New("db down"), verifier.ReasonIssuerUnavailable, "db down"},
	} {
		t.Run(name, func(t *testing.T) {
			from, failure = tt.from, tt.err
			_, err := v.Verify(t.Context(), token)
			var e *verifier.Error
			if !errors.As(err, &e) || e.Reason != tt.want {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			cause := e.Unwrap()
			if len(cause) != 2 || !strings.Contains(cause[1].Error(), tt.says) || strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v of %v, want %q in the cause alone", err, cause, tt.says)
			}
			if _, err := v.VerifyDocument(t.Context(), issuerURL, token); reasonOf(t, err) != tt.want {
				t.Errorf("a document: %v", err)
			}
		})
	}
	from, failure = verifier.Issuer{URL: issuerURL, StaticJWKS: testKey().jwks}, nil
	wantReason(t, v, token, "") // what was wrong has left nothing behind
	if err := v.RevokeKey(t.Context(), issuerURL, keyID); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, token, verifier.ReasonDeniedKey)
	if err := v.Purge(t.Context(), "https://nobody.example.test"); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("purging a tenant that nobody asked for: %v", err)
	}
}

// Static keys can be denied; there is nobody to confirm them, so that a purge changes nothing.
func TestOperatorsOnStaticKeys(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	token := sign(t, goodHeader(), goodClaims())
	if err := errors.Join(v.Warm(t.Context()), v.Purge(t.Context(), issuerURL)); err != nil {
		t.Error(err)
	}
	wantReason(t, v, token, "")
	h := v.Health()
	if h.Status != verifier.StatusOK || h.Issuers[0].Problem != "" || h.Issuers[0].Age != 0 || h.Issuers[0].TimeLeft < 1<<62 || h.Issuers[0].KeyIDs[0] != keyID {
		t.Errorf("health %+v", h)
	}
	if err := v.RevokeKey(t.Context(), issuerURL, keyID); err != nil {
		t.Error(err)
	}
	wantReason(t, v, token, verifier.ReasonDeniedKey)
	for i := range 63 {
		if err := v.RevokeKey(t.Context(), issuerURL, fmt.Sprint("kid-", i)); err != nil && i < 62 {
			t.Fatalf("denial %d: %v", i, err)
		}
	}
	if err := v.RevokeKey(t.Context(), issuerURL, "one more"); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("one denial too many: %v", err)
	}
}

// The whole is as well as its worst part, in whatever order the issuers are.
func TestHealthIsThatOfTheWorstIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		well, sick := tenant(t, "https://well.example.test"), tenant(t, "https://sick.example.test")
		never := tenant(t, "https://never.example.test")
		never.Fail(http.StatusInternalServerError)
		v := verifierOf(t, nil, fromIssuer(sick), fromIssuer(well))
		with := verifierOf(t, nil, fromIssuer(never), fromIssuer(sick), fromIssuer(well))
		if err := v.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := with.Warm(t.Context()); !errors.Is(err, verifier.ErrUnavailable) || strings.Count(err.Error(), "\n") != 0 {
			t.Errorf("one of three cannot be had: %v", err)
		}
		sick.Fail(http.StatusInternalServerError)
		for end := time.Now().Add(15 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Second) {
			for _, u := range []*verifier.Verifier{v, with} {
				_, _ = u.Verify(t.Context(), mint(t, sick, nil))
				_, _ = u.Verify(t.Context(), mint(t, well, nil))
			}
		}
		synctest.Wait()
		h := v.Health()
		if h.Status != verifier.StatusDegraded || h.Issuers[0].Status != verifier.StatusDegraded || h.Issuers[1].Status != verifier.StatusOK {
			t.Errorf("health %+v", h)
		}
		if !strings.HasPrefix(h.Issuers[0].Problem, "the keys are stale: ") || h.Issuers[0].Age < 10*time.Minute || h.Issuers[0].TimeLeft > 24*time.Hour {
			t.Errorf("health of the sick one %+v", h.Issuers[0])
		}
		h = with.Health()
		if h.Status != verifier.StatusUnavailable || h.Issuers[0].KeyIDs != nil || h.Issuers[0].TimeLeft != 0 || h.Issuers[1].Status != verifier.StatusDegraded {
			t.Errorf("health %+v", h)
		}
	})
}

// Keys that are published and not used are logged, with the reason and not the key.
func TestUnusedKeysAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		iss := tenant(t, issuerURL)
		good := string(iss.JWKS())
		iss.SetDocument([]byte(strings.Replace(good, `{"keys":[`, `{"keys":[{"kty":"oct","kid":"secret-kid","k":"c2VjcmV0"},`, 1)))
		v := verifierOf(t, []verifier.Option{verifier.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}, fromIssuer(iss))
		wantReason(t, v, mint(t, iss, nil), "")
		_ = v.Close()
		for text, want := range map[string]int{"published keys are not used": 1, "level=WARN": 1, "keys changed": 1, "secret-kid": 0, "c2VjcmV0": 0} {
			if n := strings.Count(log.String(), text); n != want {
				t.Errorf("%q is logged %d times, want %d:\n%s", text, n, want, log.String())
			}
		}
	})
}
