package verifiertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestIssuerInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := verifiertest.NewIssuer(t)
		v := issuer.Verifier()
		old := issuer.Token()
		if _, err := v.Verify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		oldKid := issuer.KeyID()
		time.Sleep(2 * time.Second)
		if kid := issuer.Rotate(); kid == oldKid || kid != issuer.KeyID() {
			t.Errorf("rotated from %s to %s", oldKid, kid)
		}
		if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
			t.Errorf("the new key: %v", err)
		}
		if n := issuer.Fetches(); n != 2 {
			t.Errorf("%d fetches, want 2", n)
		}
		issuer.Withdraw(oldKid)
		time.Sleep(6 * time.Minute)
		_, _ = v.Verify(t.Context(), issuer.Token())
		time.Sleep(time.Second)
		if _, err := v.Verify(t.Context(), old); !errors.Is(err, verifier.ErrInvalidToken) {
			t.Errorf("the withdrawn key: %v", err)
		}
		issuer.Hang()
		time.Sleep(time.Hour)
		if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
			t.Errorf("while the issuer hangs: %v", err)
		}
		issuer.Release()
		issuer.Fail(500)
		time.Sleep(25 * time.Hour)
		if _, err := v.Verify(t.Context(), issuer.Token()); !errors.Is(err, verifier.ErrUnavailable) {
			t.Errorf("after a day of failure: %v", err)
		}
	})
}

func TestListener(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithListener(), verifiertest.WithAlgorithm(verifier.ES256))
	v, err := verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{URL: issuer.URL()}}, Audiences: []string{verifiertest.Audience},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
		t.Error(err)
	}
}

func TestGoodTokens(t *testing.T) {
	const omit = verifiertest.Omit
	issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
	v := issuer.Verifier()
	for name, c := range map[string]verifiertest.Claims{
		"as it comes":              nil,
		"user":                     devissuer.UserClaims(),
		"machine":                  devissuer.MachineClaims("read:books"),
		"audience as string":       {"aud": verifiertest.Audience},
		"one of several audiences": {"aud": []string{"https://other.example.test", verifiertest.Audience}},
		"no sub":                   {"sub": omit},
		"no client":                {"azp": omit},
		"no iat":                   {"iat": omit},
		"no jti":                   {"jti": omit},
		"no scopes":                {"scp": omit},
		"scopes as string":         {"scp": omit, "scope": "read write"},
		"fraction of a second":     {"exp": 9_999_999_999.5},
		"exponent":                 {"exp": json.RawMessage("9.9e9")},
		"a clock a little fast":    {"iat": devissuer.FromNow(10 * time.Second), "nbf": devissuer.FromNow(10 * time.Second)},
		"expired a moment ago":     {"exp": devissuer.FromNow(-10 * time.Second)},
		"other letters":            {"name": "Zoë \U0001F600 \u2028", "sub": "ζ"},
		"nested":                   {"x": map[string]any{"iss": "x", "y": []any{map[string]any{"aud": 1}}}},
		"names that fold alike":    {"Name": "a", "name": "b"},
		"number beyond 2^53":       {"tenant": uint64(1<<63 + 1)},
		"typ of an access token":   {"typ": "Bearer", "nonce": "n"},
		"token_use access":         {"token_use": "access", "nonce": "n"},
	} {
		token, err := v.Verify(t.Context(), issuer.Token(c))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.Issuer() != issuer.URL() || token.KeyID() != issuer.KeyID() {
			t.Errorf("%s: issuer %q, key %q", name, token.Issuer(), token.KeyID())
		}
	}
	if n := issuer.Fetches(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestVerified(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://other.example.test"))
	token := issuer.Verified(verifiertest.Claims{"sub": "ada"}, verifiertest.Claims{"azp": verifiertest.Omit})
	if token.Subject() != "ada" || token.ClientID() != "" || token.Issuer() != "https://other.example.test" {
		t.Errorf("subject %q, client %q, issuer %q", token.Subject(), token.ClientID(), token.Issuer())
	}
	issuer.Fail(http.StatusBadGateway)
	issuer.Hang()
	if issuer.Verified() == nil || issuer.Fetches() != 0 {
		t.Errorf("%d fetches, want 0", issuer.Fetches())
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fatal returns what ended f.
func fatal(t *testing.T, f func(tb testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.message
}

func TestMistakesFailTheTest(t *testing.T) {
	es256 := verifiertest.WithAlgorithm(verifier.ES256)
	for name, mistake := range map[string]func(tb testing.TB){
		"URL":           func(tb testing.TB) { verifiertest.NewIssuer(tb, es256, verifiertest.WithURL("issuer")) },
		"algorithm":     func(tb testing.TB) { verifiertest.NewIssuer(tb, verifiertest.WithAlgorithm("HS256")) },
		"kid":           func(tb testing.TB) { verifiertest.NewIssuer(tb, es256).Withdraw("nobody") },
		"claim":         func(tb testing.TB) { verifiertest.NewIssuer(tb, es256).Token(verifiertest.Claims{"x": math.Inf(1)}) },
		"shape":         func(tb testing.TB) { verifiertest.NewIssuer(tb, es256).Kinde("refresh-token") },
		"outage":        func(tb testing.TB) { verifiertest.NewIssuer(tb, es256).Outage(0) },
		"refused":       func(tb testing.TB) { verifiertest.NewIssuer(tb, es256).Verified(verifiertest.Claims{"exp": 0}) },
		"verifier":      func(tb testing.TB) { verifiertest.NewIssuer(tb, es256).Verifier(verifier.WithLogger(nil)) },
		"withdrawn key": func(tb testing.TB) { i := verifiertest.NewIssuer(tb, es256); i.Withdraw(i.KeyID()); i.Verified() },
	} {
		if message := fatal(t, mistake); !strings.HasPrefix(message, "verifiertest: ") {
			t.Errorf("%s: the test ended with %q", name, message)
		}
	}
}

func TestIssuersShareNoKeys(t *testing.T) {
	kids := map[string]bool{}
	for range 3 {
		issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
		kids[issuer.KeyID()] = true
		kids[issuer.Rotate()] = true
	}
	if len(kids) != 6 {
		t.Errorf("3 issuers with 2 keys each have %d keys", len(kids))
	}
}

func Example() {
	t := &testing.T{} // a test has one
	issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
	token, err := issuer.Verifier().Verify(context.Background(), issuer.Token(verifiertest.Claims{"sub": "ada"}))
	fmt.Println(token.Subject(), err)
	// Output: ada <nil>
}
