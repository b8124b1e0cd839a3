package sealed_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// No goroutine outlives what started it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	theID   = keystore.ID{Issuer: "https://issuer.example.test"}
	otherID = keystore.ID{Issuer: "https://issuer.example.test", JWKSURL: "https://issuer.example.test/jwks"}
)

// namespace is the default.
const namespace = "keychorus"

// phrase is a secret by name.
func phrase(name string) []byte { return []byte(name + " fleet secret of 32 bytes and more") }

func newSecrets(tb testing.TB, primary string, previous ...string) *sealed.Secrets {
	tb.Helper()
	var others [][]byte
	for _, name := range previous {
		others = append(others, phrase(name))
	}
	s, err := sealed.NewSecrets(phrase(primary), others...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newStore(tb testing.TB, b sealed.Backend, opts ...sealed.Option) *sealed.Store {
	tb.Helper()
	return newStoreWith(tb, b, newSecrets(tb, "first"), opts...)
}

func newStoreWith(tb testing.TB, b sealed.Backend, secrets *sealed.Secrets, opts ...sealed.Option) *sealed.Store {
	tb.Helper()
	s, err := sealed.New(b, secrets, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// record returns a record in which every field is set.
func record() *keystore.Record {
	at := time.Date(2031, 2, 3, 4, 5, 6, 789_012_345, time.UTC)
	return &keystore.Record{
		ID: theID, Document: []byte(`{"keys":[{"kty":"RSA"}]}`), ResolvedURL: "https://issuer.example.test/jwks",
		DiscoveredAt: at.Add(-time.Hour), FetchedAt: at, FreshFor: 5 * time.Minute, UsableFor: 24 * time.Hour,
		ETag: `W/"x"`, LastModified: "Mon, 03 Feb 2031 04:05:06 GMT", Denied: []string{"kid", "thumbprint"},
		Epoch: 3, DocumentEpoch: 2, Suspect: [32]byte{1, 31: 2}, SuspectSince: at.Add(time.Minute),
	}
}

func mustSave(tb testing.TB, s *sealed.Store, rec *keystore.Record, base keystore.Version) keystore.Version {
	tb.Helper()
	v, err := s.Save(tb.Context(), theID, rec, base)
	if err != nil {
		tb.Fatalf("Save: %v", err)
	}
	return v
}

func mustLoad(tb testing.TB, s *sealed.Store) (*keystore.Record, keystore.Version) {
	tb.Helper()
	rec, v, err := s.Load(tb.Context(), theID)
	if err != nil {
		tb.Fatalf("Load: %v", err)
	}
	return rec, v
}

// load returns only the error, as most tests of failures want it.
func load(tb testing.TB, s *sealed.Store) error {
	tb.Helper()
	_, _, err := s.Load(tb.Context(), theID)
	return err
}

func wantError(tb testing.TB, what string, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Errorf("%s: %v, want %v", what, err, want)
	}
}

// nameOf returns the name of the record of an ID, or of its lease.
func nameOf(tb testing.TB, s *sealed.Store, id keystore.ID, kind string) string {
	tb.Helper()
	all, err := s.Inspect(tb.Context(), id)
	if err != nil {
		tb.Fatalf("Inspect: %v", err)
	}
	return strings.TrimSuffix(all[0].Name, "set") + kind
}
