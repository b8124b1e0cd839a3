package keyring_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// following runs Follow until the test ends it, and returns what it returned.
func following(ctx context.Context, ring *keyring.Ring) (end func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- ring.Follow(ctx) }()
	return func() error { cancel(); return <-ended }
}

func TestFollowKeepsKeysFreshUntilNobodyUsesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s, ring := sourceAndRing(t, f, keyring.Config{})
		static, err := ring.Static(keystore.ID{Issuer: "static"}, document("s"), nil)
		if err != nil {
			t.Fatal(err)
		}
		ring.Keep(static)
		end := following(t.Context(), ring)
		wantCode(t, s, "a", 0)
		for range 50 { // nobody asks
			time.Sleep(time.Minute)
			if h := s.Health(); h.Age > 5*time.Minute+time.Second {
				t.Fatalf("keys of %v", h.Age)
			}
		}
		time.Sleep(4 * time.Hour)
		idle := f.count()
		time.Sleep(10 * time.Hour)
		wantFetches(t, f, idle)
		wantCode(t, s, "a", 0) // and it is taken up again
		time.Sleep(30 * time.Minute)
		if n := f.count() - idle; n < 6 {
			t.Errorf("%d fetches in half an hour after the idle time", n)
		}
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Errorf("Follow returned %v", err)
		}
		ring.Close()
		if err := ring.Follow(t.Context()); codeOf(err) != keyring.Closed {
			t.Errorf("Follow after Close: %v", err)
		}
		after := f.count()
		time.Sleep(time.Hour)
		wantFetches(t, f, after)
	})
}

func codeOf(err error) keyring.Code {
	if e, ok := errors.AsType[*keyring.Error](err); ok {
		return e.Code
	}
	return 0
}

// Others put new keys into the store; who follows it has them before anybody asks.
func TestFollowFollowsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		mine, other := newFakeIssuer("a"), newFakeIssuer("a", "b")
		s, ring := sourceAndRing(t, mine, keyring.Config{}, store)
		wantCode(t, s, "a", 0)
		end := following(t.Context(), ring)
		time.Sleep(time.Minute)
		before := mine.count()
		writer, closed := sourceAndRing(t, other, keyring.Config{}, store)
		if err := writer.Purge(t.Context()); err != nil { // its answer is the newest
			t.Fatal(err)
		}
		closed.Close()
		time.Sleep(20 * time.Second)
		if h := s.Health(); !slices.Equal(h.KeyIDs, []string{"a", "b"}) {
			t.Errorf("after 20 s the keys are %q", h.KeyIDs)
		}
		wantFetches(t, mine, before)
		go func() { time.Sleep(time.Second); ring.Close() }()
		time.Sleep(2 * time.Second)
		if err := end(); codeOf(err) != keyring.Closed {
			t.Errorf("Follow returned %v", err)
		}
	})
}

func TestWarmTellsWhoHasNoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := newFakeIssuer("a"), newFakeIssuer("a")
		bad.fail(errDown)
		s, ring := sourceAndRing(t, bad, keyring.Config{})
		defer ring.Close()
		well := ring.Source(keystore.ID{Issuer: "well"}, good, nil)
		ring.Keep(well)
		worse := ring.Source(keystore.ID{Issuer: "worse"}, bad, nil)
		ring.Keep(worse)
		began := time.Now()
		var sick []*keyring.Source
		for source, err := range ring.Warm(t.Context()) {
			sick = append(sick, source)
			if codeOf(err) != keyring.Unavailable || !errors.Is(err, errDown) {
				t.Errorf("error %v", err)
			}
		}
		if !slices.Equal(sick, []*keyring.Source{s, worse}) || time.Since(began) > 8*time.Second {
			t.Errorf("%d without keys after %v", len(sick), time.Since(began))
		}
		n := 0
		for _, err := range ring.Warm(t.Context()) {
			if n++; err != nil {
				break
			}
		}
		if n != 1 || good.count() != 1 {
			t.Errorf("%d errors, %d fetches of the keys that are there", n, good.count())
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(time.Minute)
		for _, err := range ring.Warm(gone) {
			if codeOf(err) != keyring.Canceled || !errors.Is(err, context.Canceled) {
				t.Errorf("after a cancelation: %v", err)
			}
		}
	})
}

func TestStaticKeysAreCheckedAndCanBeDenied(t *testing.T) {
	cfg, err := keyring.Config{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	store := &troubledStore{KeyStore: memory.New()}
	ring := keyring.New(cfg, keyring.Options{Store: store, Shared: true})
	defer ring.Close()
	for doc, want := range map[string]string{`{}`: "is not a JWK Set", `{"keys":[]}`: "no usable key", `{"keys":[{"kty":"oct","k":"AA"}]}`: "no usable key"} {
		if s, err := ring.Static(issuerID, []byte(doc), nil); s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", doc, err, want)
		}
	}
	s, err := ring.Static(issuerID, document("a", "b"), []string{"b"})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, s, "a", 0)
	wantCode(t, s, "b", keyring.Denied)
	wantCode(t, s, "c", keyring.Unknown)
	if h := s.Health(); !h.Usable || h.Problem != "" || h.Age != 0 || !slices.Equal(h.KeyIDs, []string{"a"}) {
		t.Errorf("health %+v", h)
	}
	if err := errors.Join(s.Purge(t.Context()), s.Revoke(t.Context(), "a")); err != nil {
		t.Error(err)
	}
	wantCode(t, s, "a", keyring.Denied)
	if store.calls != 0 {
		t.Errorf("%d calls of the store for static keys", store.calls)
	}
}

// The texts are fixed and differ; whoever looks for the cause finds it.
func TestCodesHaveTexts(t *testing.T) {
	seen := map[string]bool{keyring.Code(0).String(): true}
	for _, c := range keyring.Codes() {
		err := &keyring.Error{Code: c, Err: errDown}
		if seen[c.String()] || err.Error() != "keyring: "+c.String() || !errors.Is(err, errDown) {
			t.Errorf("code %d says %q", c, err)
		}
		seen[c.String()] = true
	}
	if n := len(keyring.Codes()); n != int(keyring.Closed) {
		t.Errorf("%d codes", n)
	}
}
