package keyring_test

import (
	"context"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// beside is the document of one good key and of other entries.
func beside(kid string, entries ...string) []byte {
	good := string(document(kid))
	return []byte(strings.TrimSuffix(good, "]}") + "," + strings.Join(entries, ",") + "]}")
}

func weakRSA(kid string) string {
	n := base64.RawURLEncoding.EncodeToString(new(big.Int).Lsh(big.NewInt(3), 1022).Bytes())
	return `{"kty":"RSA","kid":"` + kid + `","n":"` + n + `","e":"AQAB"}`
}

// What comes out of a store passes the rules for what comes from the issuer: a record that an
// older process of the fleet has sealed is no excuse.
func TestStoredDocumentsPassTheSameRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFakeIssuer("a"), memory.New()
		f.fail(errDown) // so that the store is all there is
		_, err := store.Save(t.Context(), issuerID, &keystore.Record{
			ID: issuerID, ResolvedURL: issuerURL + "/jwks", DiscoveredAt: time.Now(), FetchedAt: time.Now(),
			FreshFor: 5 * time.Minute, UsableFor: 24 * time.Hour,
			Document: beside("a", weakRSA("weak"), `{"kty":"oct","kid":"mac","k":"AAAA"}`, `{"kty":"OKP","kid":"p","crv":"Ed25519","x":"AAAA","d":"AAAA"}`,
				`{"kty":"OKP","kid":"enc","crv":"Ed25519","use":"enc","x":"AAAA"}`),
		}, "")
		if err != nil {
			t.Fatal(err)
		}
		s := source(t, f, keyring.Config{}, store)
		wantCode(t, s, "a", 0)
		for _, kid := range []string{"weak", "mac", "p", "enc"} {
			if code := lookUp(t, s, kid); code == 0 {
				t.Errorf("the stored key %q is used", kid)
			}
		}
		wantFetches(t, f, 0)
	})
}

// An issuer that publishes a secret by mistake (RFC 7517 §9): the rest of its keys verify, the
// program is told, and the secret is stored nowhere.
func TestPublishedSecretsAreToldAndNotStored(t *testing.T) {
	for name, entry := range map[string]string{
		"private": `{"kty":"OKP","kid":"p","crv":"Ed25519","x":"AAAA","d":"AAAA"}`, "symmetric": `{"kty":"oct","kid":"p","k":"AAAA"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, store := newFakeIssuer("a"), memory.New()
				f.change(func() { f.document = beside("a", entry) })
				cfg, err := keyring.Config{}.Check()
				if err != nil {
					t.Fatal(err)
				}
				var told []string
				ring := keyring.New(cfg, keyring.Options{Store: store, Shared: true, Observe: func(e keyring.Event) {
					if e.Kind == keyring.KeysSkipped {
						told = append(told, e.Skipped...)
					}
				}})
				t.Cleanup(ring.Close)
				s := ring.Source(issuerID, f, nil)
				ring.Keep(s)
				wantCode(t, s, "a", 0)
				if code := lookUp(t, s, "p"); code == 0 {
					t.Error("the secret verifies")
				}
				for range 20 { // for some refreshes
					time.Sleep(time.Minute)
					wantCode(t, s, "a", 0)
				}
				settle()
				if len(told) == 0 || told[0] != name {
					t.Errorf("told of %q", told)
				}
				if rec, _, err := store.Load(context.Background(), issuerID); err == nil && strings.Contains(string(rec.Document), "AAAA") {
					t.Error("the secret was stored")
				}
			})
		})
	}
}

// Cache-Control shortens the interval within its bounds, and never lengthens it: keys that an
// issuer withdraws are gone in time whatever it said before, and nobody is asked in a loop.
func TestFreshnessIsClamped(t *testing.T) {
	for name, tt := range map[string]struct {
		says        time.Duration
		least, most int // fetches in an hour
	}{
		"a year":    {365 * 24 * time.Hour, 12, 17},
		"a moment":  {time.Nanosecond, 40, 61},
		"two min":   {2 * time.Minute, 25, 40},
		"the usual": {0, 12, 17},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIssuer("a")
				f.freshFor = tt.says
				s := source(t, f, keyring.Config{})
				for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(time.Second) {
					wantCode(t, s, "a", 0)
				}
				settle()
				if n := f.count(); n < tt.least || n > tt.most {
					t.Errorf("%d fetches in an hour, want %d to %d", n, tt.least, tt.most)
				}
			})
		})
	}
}
