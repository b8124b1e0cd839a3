package devissuer_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestNewRefuses(t *testing.T) {
	key, err := devissuer.NewKey(devissuer.EdDSA, "twice")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, url string
		opts      []devissuer.Option
	}{
		{"empty URL", "", nil},
		{"relative URL", "/issuer", nil},
		{"no host", "https://", nil},
		{"no scheme", "issuer.test", nil},
		{"other scheme", "ftp://issuer.test", nil},
		{"query", "https://issuer.test?a=b", nil},
		{"empty query", "https://issuer.test?", nil},
		{"fragment", "https://issuer.test#", nil},
		{"user", "https://a@issuer.test", nil},
		{"control character", "https://issuer.test/\n", nil},
		{"algorithm", issuerURL, []devissuer.Option{devissuer.WithAlgorithm("HS256")}},
		{"no clock", issuerURL, []devissuer.Option{devissuer.WithClock(nil)}},
		{"lifetime", issuerURL, []devissuer.Option{devissuer.WithLifetime(time.Millisecond)}},
		{"nil key", issuerURL, []devissuer.Option{devissuer.WithKeys(nil)}},
		{"one id twice", issuerURL, []devissuer.Option{devissuer.WithKeys(key), devissuer.WithKeys(key)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if issuer, err := devissuer.New(test.url, test.opts...); err == nil || issuer != nil {
				t.Errorf("issuer %v, error %v", issuer, err)
			}
		})
	}
}

func TestRotationOverlapsUntilWithdrawal(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	first := issuer.Key().ID()
	second, err := issuer.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if second == first || issuer.Key().ID() != second {
		t.Errorf("current key %q after rotation from %q to %q", issuer.Key().ID(), first, second)
	}
	if got := publishedIDs(t, issuer); !slices.Equal(got, []string{first, second}) {
		t.Errorf("published %q, want both", got)
	}
	for range 2 { // the second time changes nothing
		if err := issuer.Withdraw(first); err != nil {
			t.Fatal(err)
		}
		if got := publishedIDs(t, issuer); !slices.Equal(got, []string{second}) {
			t.Errorf("published %q, want the second", got)
		}
	}
	if len(issuer.Keys()) != 2 {
		t.Errorf("%d keys known, want the withdrawn one too", len(issuer.Keys()))
	}
	if err := issuer.Withdraw(second); err != nil {
		t.Fatal(err)
	}
	if got := publishedIDs(t, issuer); len(got) != 0 || issuer.Key().ID() != second {
		t.Errorf("published %q, signing with %q", got, issuer.Key().ID())
	}
	if err := issuer.Withdraw("unknown"); err == nil {
		t.Error("an unknown key was withdrawn")
	}
}

func TestStagedKeyIsPublishedFirst(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	first := issuer.Key().ID()
	staged, err := issuer.Stage()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := issuer.Stage(); err != nil || again != staged {
		t.Errorf("staged %q again, error %v, want %q", again, err, staged)
	}
	if got := publishedIDs(t, issuer); !slices.Equal(got, []string{first, staged}) || issuer.Key().ID() != first {
		t.Errorf("published %q, signing with %q", got, issuer.Key().ID())
	}
	if other, err := issuer.RotateTo(devissuer.ES256); err != nil || other == staged {
		t.Errorf("rotated to %q, error %v: the staged key has another algorithm", other, err)
	}
	if got, err := issuer.Rotate(); err != nil || got != staged || issuer.Key().ID() != staged {
		t.Errorf("rotated to %q, error %v, want the staged %q", got, err, staged)
	}
	if got := len(issuer.Keys()); got != 3 {
		t.Errorf("%d keys, want 3", got)
	}
}

func TestWithdrawnStagedKeyNeverSigns(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	staged, err := issuer.Stage()
	if err != nil {
		t.Fatal(err)
	}
	if err := issuer.Withdraw(staged); err != nil {
		t.Fatal(err)
	}
	if got, err := issuer.Rotate(); err != nil || got == staged {
		t.Errorf("rotated to %q, error %v", got, err)
	}
}

func TestRotateKeepsTheFirstAlgorithm(t *testing.T) {
	issuer, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(devissuer.ES384))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := issuer.RotateTo("HS256"); err == nil {
		t.Error("rotated to HS256")
	}
	for _, want := range []devissuer.Algorithm{devissuer.Ed25519, devissuer.ES384} {
		if want == devissuer.ES384 {
			_, err = issuer.Rotate()
		} else {
			_, err = issuer.RotateTo(want)
		}
		if err != nil || issuer.Key().Algorithm() != want {
			t.Errorf("signing with %s, error %v, want %s", issuer.Key().Algorithm(), err, want)
		}
	}
}

func TestReadyKeysAreUsedInOrder(t *testing.T) {
	var keys []*devissuer.Key
	for _, key := range []struct {
		id  string
		alg devissuer.Algorithm
	}{{"a", devissuer.EdDSA}, {"b", devissuer.ES256}, {"c", devissuer.EdDSA}} {
		k, err := devissuer.NewKey(key.alg, key.id)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	issuer, err := devissuer.New(issuerURL, devissuer.WithKeys(keys...))
	if err != nil {
		t.Fatal(err)
	}
	if issuer.Key() != keys[0] {
		t.Errorf("signing with %q first, want a", issuer.Key().ID())
	}
	if kid, err := issuer.Rotate(); err != nil || kid != "c" {
		t.Errorf("rotated to %q, error %v, want c", kid, err)
	}
	if kid, err := issuer.RotateTo(devissuer.ES256); err != nil || kid != "b" {
		t.Errorf("rotated to %q, error %v, want b", kid, err)
	}
	if _, err := issuer.Rotate(); err != nil || issuer.Key().Algorithm() != devissuer.EdDSA {
		t.Errorf("generated %s, error %v, want EdDSA", issuer.Key().Algorithm(), err)
	}
	other, err := devissuer.New(issuerURL, devissuer.WithKeys(keys...), devissuer.WithAlgorithm(devissuer.ES256))
	if err != nil {
		t.Fatal(err)
	}
	if other.Key() != keys[1] {
		t.Errorf("signing with %q first, want b", other.Key().ID())
	}
}

func TestConcurrentUse(t *testing.T) {
	issuer, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(devissuer.EdDSA))
	if err != nil {
		t.Fatal(err)
	}
	const workers = 8
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			if _, err := issuer.Mint(devissuer.UserClaims()); err != nil {
				t.Error(err)
			}
			kid, err := issuer.Rotate()
			if err != nil {
				t.Error(err)
			}
			if _, err := issuer.Stage(); err != nil {
				t.Error(err)
			}
			if status := serve(t, issuer, http.MethodGet, "/.well-known/jwks").Code; status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			if err := issuer.Withdraw(kid); err != nil {
				t.Error(err)
			}
			issuer.SetDocument(nil)
			issuer.SetDiscovery(nil)
			issuer.SetCacheControl("")
			issuer.Hang()
			issuer.Release()
			issuer.Fail(0)
		})
	}
	group.Wait()
	if got := issuer.Counts().JWKS; got != workers {
		t.Errorf("%d requests counted, want %d", got, workers)
	}
}
