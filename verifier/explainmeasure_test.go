package verifier_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// checkOf returns a check of a report by its name, the zero one if it was not made.
func checkOf(r verifier.Report, name string) verifier.Check {
	i := slices.IndexFunc(r.Checks, func(c verifier.Check) bool { return c.Name == name })
	if i < 0 {
		return verifier.Check{}
	}
	return r.Checks[i]
}

// A duration has two units at most, and is cut and not rounded up.
func TestReportsSayDurationsInTwoUnits(t *testing.T) {
	p := goodPolicy()
	p.Leeway = -1
	v := newVerifier(t, p)
	for left, want := range map[time.Duration]string{
		time.Second / 2: "less than a second", time.Second: "1s", 59*time.Second + 900*time.Millisecond: "59s",
		time.Minute: "1m0s", 59*time.Minute + 59*time.Second: "59m59s", time.Hour: "1h0m",
		47*time.Hour + 59*time.Minute + 59*time.Second: "47h59m", 48 * time.Hour: "2 days", 100 * time.Hour: "4 days",
	} {
		exp := float64(now.Unix()) + left.Seconds()
		r := v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"exp": exp})))
		if got := checkOf(r, "time"); got.Outcome != verifier.Passed || got.Detail != "expires in "+want {
			t.Errorf("%v before exp: %+v, want %q", left, got, want)
		}
		exp = float64(now.Unix()) - left.Seconds()
		r = v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"exp": exp})))
		if !strings.HasSuffix(r.Cause, "("+want+" ago)") || checkOf(r, "time").Detail != r.Cause {
			t.Errorf("%v after exp: %q, want %q", left, r.Cause, want)
		}
	}
}

func TestReportsSayThatLeewayAloneSavedAToken(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	for ago, want := range map[int64]string{
		-1: "expires in 1s", 0: "expired less than a second ago, within the leeway", 29: "expired 29s ago, within the leeway",
	} {
		r := v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"exp": now.Unix() - ago})))
		if got := checkOf(r, "time").Detail; !r.Accepted || got != want || !strings.Contains(r.String(), want) {
			t.Errorf("%d s after exp: %q, want %q", ago, got, want)
		}
	}
}

// A policy of many entries does not fill the page.
func TestReportsNameEightOfMany(t *testing.T) {
	for n, want := range map[int]string{
		8: "a, b, c, d, e, f, g, h", 9: "a, b, c, d, e, f, g, h and 1 more", 12: "a, b, c, d, e, f, g, h and 4 more",
	} {
		p := goodPolicy()
		p.Audiences = strings.Split("abcdefghijkl"[:n], "")
		r := newVerifier(t, p).Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
		if got := checkOf(r, "audience"); got.Expected != want || got.Outcome != verifier.Failed {
			t.Errorf("%d audiences: %+v, want %q", n, got, want)
		}
	}
}

func TestExpectationsFollowTheOptionsOfThePolicy(t *testing.T) {
	resolver := verifier.WithIssuerResolver(func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
		return verifier.Issuer{URL: iss, StaticJWKS: testKey().jwks}, iss == issuerURL, nil
	})
	any9068 := verifier.Policy{
		Issuers: goodPolicy().Issuers, AllowAnyAudienceUnsafe: true, AllowIDTokensUnsafe: true, AuthorizedParties: []string{"client-1"},
		Profile: verifier.ProfileRFC9068, MaxLifetime: 90 * time.Minute, MaxTokenBytes: 2000, Leeway: 2 * time.Minute,
	}
	tenants := goodPolicy()
	tenants.Issuers = nil
	for _, tt := range []struct {
		name string
		v    *verifier.Verifier
		opts []verifier.VerifyOption
		want map[string]string
	}{
		{"any audience, RFC 9068", newVerifier(t, any9068), nil, map[string]string{
			"form": "a compact JWS: three parts of base64url, at most 2000 bytes", "audience": "any",
			"kind of token": "an access token, or one in the shape of an ID token", "client": "client-1",
			"time":            "now 2026-01-01T00:00:00Z, exp required, leeway 2m0s, at most 1h30m0s from iat to exp",
			"required claims": "iss, exp, aud, sub, client_id, iat, jti",
		}},
		{"the defaults", newVerifier(t, goodPolicy()), nil, map[string]string{
			"client": "any", "required claims": "none", "kind of token": "an access token", "revocation": "",
			"binding": "no cnf, or one that the caller has proved: nothing",
		}},
		{"two proofs", newVerifier(t, goodPolicy()), []verifier.VerifyOption{
			verifier.Confirmed(verifier.Confirmation{JWKThumbprint: "a", CertificateThumbprint: "b"}),
		}, map[string]string{"binding": "no cnf, or one that the caller has proved: a DPoP key and a client certificate"}},
		{"tenants alone", newVerifier(t, tenants, resolver), nil, map[string]string{"issuer": "one that WithIssuerResolver accepts"}},
		{"tenants as well", newVerifier(t, goodPolicy(), resolver), nil, map[string]string{
			"issuer": issuerURL + ", or one that WithIssuerResolver accepts",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.v.Explain(t.Context(), sign(t, goodHeader(), goodClaims()), tt.opts...)
			for check, want := range tt.want {
				if got := checkOf(r, check).Expected; got != want {
					t.Errorf("check %s expects %q, want %q", check, got, want)
				}
			}
		})
	}
	r := newVerifier(t, any9068).Explain(t.Context(), sign(t, with(goodHeader(), object{"typ": "at+jwt"}), with(goodClaims(), object{
		"aud": omit{}, "client_id": "client-1", "exp": now.Unix() - 600,
	})))
	wantOutcomes(t, r, map[string]string{"header": "pass", "time": "fail", "audience": "pass", "client": "pass"})
}

// A signature that lost its end was copied badly; a whole one that does not hold was not.
func TestACutSignatureIsToldByItsLength(t *testing.T) {
	for alg, size := range map[devissuer.Algorithm]int{
		devissuer.ES256: 64, devissuer.ES384: 96, devissuer.ES512: 132, devissuer.Ed25519: 64, devissuer.RS256: 256,
	} {
		t.Run(string(alg), func(t *testing.T) {
			iss, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(alg), devissuer.WithAudience(audience))
			if err != nil {
				t.Fatal(err)
			}
			v := verifierOf(t, nil, fromIssuer(iss))
			good := mint(t, iss, nil)
			signed := good[:strings.LastIndexByte(good, '.')+1]
			whole := strings.Repeat("A", (size*8+5)/6)
			for bytes, want := range map[int]string{size: "signature", size - 1: "cut", size / 2: "cut"} {
				cut := whole[:(bytes*8+5)/6]
				r := v.Explain(t.Context(), signed+cut)
				if r.Diagnosis != want || r.Reason != verifier.ReasonSignature || !slices.Contains([]string{"key", "signature"}, lastJudged(r)) {
					t.Errorf("a signature of %d bytes: %q (%s)\n%s", bytes, r.Diagnosis, r.Reason, r)
				}
			}
		})
	}
}

// lastJudged is the last check with an outcome.
func lastJudged(r verifier.Report) string {
	last := ""
	for _, c := range r.Checks {
		if c.Outcome != verifier.NotReached {
			last = c.Name
		}
	}
	return last
}

// What is no mistake of the token is told at the check where it happened.
func TestExplainPutsTroubleWhereItHappened(t *testing.T) {
	token, boom := sign(t, goodHeader(), goodClaims()), errors.New("boom")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	failing := func(ctx context.Context, _ string) (verifier.Issuer, bool, error) {
		return verifier.Issuer{}, false, errors.Join(boom, ctx.Err())
	}
	other := func(context.Context, string) (verifier.Issuer, bool, error) {
		return verifier.Issuer{URL: "https://x.test"}, true, nil
	}
	tenants := goodPolicy()
	tenants.Issuers = nil
	answer := func(ctx context.Context, _ string) ([]byte, error) { return nil, errors.Join(boom, ctx.Err()) }
	revoked := func(ctx context.Context, _ *verifier.Token) (bool, error) { return false, errors.Join(boom, ctx.Err()) }
	closed := opaqueVerifier(t, goodPolicy(), answer)
	_ = closed.Close()
	shut := newVerifier(t, tenants, verifier.WithIssuerResolver(failing))
	_ = shut.Close()
	for _, tt := range []struct {
		name   string
		v      *verifier.Verifier
		ctx    context.Context //nolint:containedctx // of a case
		token  string
		reason verifier.Reason
		failed string
	}{
		{"a resolver that fails", newVerifier(t, tenants, verifier.WithIssuerResolver(failing)), t.Context(), token, verifier.ReasonIssuerUnavailable, "issuer"},
		{"a resolver that is left", newVerifier(t, tenants, verifier.WithIssuerResolver(failing)), gone, token, verifier.ReasonCanceled, "issuer"},
		{"a resolver that is wrong", newVerifier(t, tenants, verifier.WithIssuerResolver(other)), t.Context(), token, verifier.ReasonMisconfigured, "issuer"},
		{"a lookup that fails", opaqueVerifier(t, goodPolicy(), answer), t.Context(), "opaque", verifier.ReasonIntrospectionUnavailable, "introspection"},
		{"a lookup that is left", opaqueVerifier(t, goodPolicy(), answer), gone, "opaque", verifier.ReasonCanceled, "introspection"},
		{"a lookup after Close", closed, t.Context(), "opaque", verifier.ReasonClosed, "introspection"},
		{"a revocation that fails", newVerifier(t, goodPolicy(), verifier.WithRevocation(revoked)), t.Context(), token, verifier.ReasonRevocationUnavailable, "revocation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.v.Explain(tt.ctx, tt.token)
			if r.Reason != tt.reason || r.Diagnosis != string(tt.reason) {
				t.Errorf("reason %q, want %q\n%s", r.Reason, tt.reason, r)
			}
			wantOutcomes(t, r, map[string]string{tt.failed: "fail"})
			if strings.Contains(r.String(), "boom") {
				t.Errorf("the report repeats what a hook said:\n%s", r)
			}
		})
	}
}

// A deadline is the caller's limit, who may still be there to be told; a cancelation is not.
func TestADeadlineIsNotACancelation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tenant(t, issuerURL)
		iss.Hang()
		defer iss.Release()
		v := verifierOf(t, nil, fromIssuer(iss))
		token := mint(t, iss, nil)
		limited, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		r := v.Explain(limited, token)
		if r.Reason != verifier.ReasonKeysUnavailable || r.Diagnosis != "keys_timeout" {
			t.Errorf("after a deadline:\n%s", r)
		}
		_, err := v.Verify(limited, token)
		var e *verifier.Error
		if !errors.As(err, &e) || e.RetryAfter <= 0 || !errors.Is(err, context.DeadlineExceeded) || e.Reason.Status() != http.StatusServiceUnavailable {
			t.Errorf("after a deadline: %v", err)
		}
		left, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if _, err := v.Verify(left, token); reasonOf(t, err) != verifier.ReasonCanceled || !errors.Is(err, context.Canceled) {
			t.Errorf("after a cancelation: %v", err)
		}
		_ = v.Close()
	})
}
