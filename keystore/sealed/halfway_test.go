package sealed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// halfway is a back end that stops answering about some keys.
type halfway struct {
	*backend

	silent map[string]bool
}

var errHalfway = errors.New("connection reset")

func (h halfway) Get(ctx context.Context, key string) ([]byte, time.Duration, error) {
	if h.silent[key] {
		return nil, 0, errHalfway
	}
	return h.backend.Get(ctx, key)
}

// What is known of one half is not told as the whole: a record under a secret of the past, or
// a lease, that nobody could look at is unavailable and not absent.
func TestHalfAnAnswerIsNone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		silent func(now, past *sealed.Store) string
		load   error
		look   error
		claim  error
	}{
		{"everything answers", func(*sealed.Store, *sealed.Store) string { return "" }, nil, nil, nil},
		{"the record of the past", func(_, past *sealed.Store) string { return nameOf(t, past, record().ID, "set") }, keystore.ErrUnavailable, keystore.ErrUnavailable, nil},
		{"the lease", func(now, _ *sealed.Store) string { return nameOf(t, now, record().ID, "lease") }, nil, keystore.ErrUnavailable, nil},
		{"the lease of the past", func(_, past *sealed.Store) string { return nameOf(t, past, record().ID, "lease") }, nil, keystore.ErrUnavailable, keystore.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := halfway{newBackend(), map[string]bool{}}
			s := newStoreWith(t, b, newSecrets(t, "new", "old"))
			past := newStoreWith(t, b, newSecrets(t, "old"))
			mustSave(t, s, record(), "")
			_ = mustClaim(t, past) // which holds, whatever is under the name of the present
			b.silent[tt.silent(s, past)] = true
			wantError(t, "load", load(t, s), tt.load)
			all, err := s.Inspect(t.Context(), record().ID)
			if wantError(t, "inspect", err, tt.look); tt.look == nil && len(all) != 2 || tt.look != nil && all != nil {
				t.Errorf("inspected %+v, %v", all, err)
			}
			lease, hold, err := s.TryLease(t.Context(), record().ID)
			if wantError(t, "claim", err, tt.claim); lease != nil || err == nil && !hold.Fetching {
				t.Errorf("claimed %v, %+v, %v", lease, hold, err)
			}
			if tt.claim != nil && errors.Is(err, keystore.ErrUnavailable) && hold != (keystore.Hold{}) {
				t.Errorf("nobody could look, and yet %+v", hold)
			}
		})
	}
}

// Our own name is taken and nobody can say by whom: that is no lease, and no holder either.
func TestATakenLeaseThatCannotBeReadIsUnavailable(t *testing.T) {
	b := halfway{newBackend(), map[string]bool{}}
	s, other := newStore(t, b), newStore(t, b)
	_ = mustClaim(t, other)
	b.silent[nameOf(t, s, record().ID, "lease")] = true
	lease, hold, err := s.TryLease(t.Context(), record().ID)
	if wantError(t, "claim", err, keystore.ErrUnavailable); lease != nil || hold != (keystore.Hold{}) {
		t.Errorf("claimed %v, %+v", lease, hold)
	}
	clear(b.silent)
	if lease, hold, err = s.TryLease(t.Context(), record().ID); err != nil || lease != nil || !hold.Fetching {
		t.Errorf("once it can be read: %v, %+v, %v", lease, hold, err)
	}
}
