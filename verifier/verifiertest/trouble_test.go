package verifiertest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func count(received map[string]int) func(context.Context, *kinde.Event) error {
	return func(_ context.Context, e *kinde.Event) error {
		received[e.ID]++
		return nil
	}
}

func post(t *testing.T, h http.Handler, body string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/kinde", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/jwt")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestRotations(t *testing.T) {
	for name, tt := range map[string]struct {
		rotate  func(*verifiertest.Issuer) string
		fetches int    // with the first token of the new key
		old     string // what becomes of a token under the old key
	}{
		"staged":   {func(i *verifiertest.Issuer) string { return i.Rotate() }, 2, "accepted"},
		"overlap":  {func(i *verifiertest.Issuer) string { return i.Rotate() }, 3, "accepted"},
		"replaced": {func(i *verifiertest.Issuer) string { return i.Replace() }, 3, "refused"},
	} {
		synctest.Test(t, func(t *testing.T) {
			issuer := verifiertest.NewIssuer(t)
			v := issuer.Verifier()
			old, oldKid := issuer.Token(), issuer.KeyID()
			verify := func(token string) error {
				_, err := v.Verify(t.Context(), token)
				return err
			}
			if err := verify(old); err != nil {
				t.Fatal(err)
			}
			var staged string
			if name == "staged" {
				staged = issuer.Stage()
			}
			time.Sleep(6 * time.Minute) // the keys are refreshed with the next token
			if err := verify(old); err != nil {
				t.Errorf("%s: before: %v", name, err)
			}
			time.Sleep(10 * time.Second)
			kid := tt.rotate(issuer)
			if kid == oldKid || kid != issuer.KeyID() || staged != "" && kid != staged {
				t.Errorf("%s: from %s, staged %s, to %s", name, oldKid, staged, kid)
			}
			if err := verify(issuer.Token()); err != nil {
				t.Errorf("%s: the new key: %v", name, err)
			}
			if n := issuer.Fetches(); n != tt.fetches {
				t.Errorf("%s: %d fetches, want %d", name, n, tt.fetches)
			}
			if err := verify(old); (err == nil) != (tt.old == "accepted") {
				t.Errorf("%s: the old key: %v, want it %s", name, err, tt.old)
			}
		})
	}
}

func TestOutagesEnd(t *testing.T) {
	for name, outage := range map[string]verifiertest.Outage{
		"503": http.StatusServiceUnavailable, "403": http.StatusForbidden, "429": http.StatusTooManyRequests,
		"hang": verifiertest.OutageHang, "garbage": verifiertest.OutageGarbage, "no keys": verifiertest.OutageNoKeys,
	} {
		synctest.Test(t, func(t *testing.T) {
			issuer := verifiertest.NewIssuer(t)
			known, late := issuer.Verifier(), issuer.Verifier()
			if _, err := known.Verify(t.Context(), issuer.Token()); err != nil {
				t.Fatal(err)
			}
			end := issuer.Outage(outage)
			time.Sleep(time.Hour)
			if _, err := known.Verify(t.Context(), issuer.Token()); err != nil {
				t.Errorf("%s: with known keys: %v", name, err)
			}
			if _, err := late.Verify(t.Context(), issuer.Token()); !errors.Is(err, verifier.ErrUnavailable) {
				t.Errorf("%s: without keys: %v, want %v", name, err, verifier.ErrUnavailable)
			}
			end()
			time.Sleep(5 * time.Minute)
			if _, err := late.Verify(t.Context(), issuer.Token()); err != nil {
				t.Errorf("%s: afterwards: %v", name, err)
			}
		})
	}
}

func TestOneOutageReplacesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
		issuer.Outage(verifiertest.OutageHang)
		issuer.Outage(http.StatusBadGateway)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer.URL()+"/.well-known/jwks", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := issuer.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusBadGateway {
			t.Errorf("status %d, error %v", resp.StatusCode, err)
		}
	})
}
