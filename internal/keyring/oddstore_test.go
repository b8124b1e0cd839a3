package keyring_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// odd is a store that says it has found something, and returns nothing, or another's record.
type odd struct {
	keystore.KeyStore

	found *keystore.Record
}

func (o *odd) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	_, version, _ := o.KeyStore.Load(ctx, id)
	return o.found, version, ctx.Err()
}

// A store that breaks its contract costs a fetch, and neither the process nor anybody's keys.
func TestAStoreThatReturnsAnotherRecord(t *testing.T) {
	other := keystore.ID{Issuer: "https://other.example.test"}
	for name, found := range map[string]*keystore.Record{
		"nothing":   nil,
		"another's": {ID: other, Document: document("theirs"), FetchedAt: time.Now(), FreshFor: time.Hour, UsableFor: time.Hour, Denied: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, store := newFakeIssuer("a", "b"), memory.New()
				s := source(t, f, keyring.Config{}, &odd{store, found})
				wantCode(t, s, "a", 0)
				wantCode(t, s, "theirs", keyring.Unknown)
				if err := s.Revoke(t.Context(), "b"); err != nil {
					t.Error(err)
				}
				wantCode(t, s, "b", keyring.Denied)
				if err := s.Purge(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Minute)
				wantCode(t, s, "a", 0)
				if rec, _, err := store.Load(t.Context(), issuerID); err != nil || slices.Contains(rec.Denied, "a") {
					t.Errorf("stored %+v, %v", rec, err)
				}
			})
		})
	}
}
