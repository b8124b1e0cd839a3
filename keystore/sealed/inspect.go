package sealed

import (
	"context"
	"errors"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// Inspection is what a back end holds for an ID under one of the secrets.
type Inspection struct {
	// Secret is the public id of the secret; Primary says that it is the first.
	Secret  string
	Primary bool
	// Name is where the record is.
	Name string
	// Record is the record, or nil; Err is then ErrNotFound, or ErrUnusable if something is
	// there whose seal does not hold.
	Record *keystore.Record
	Err    error
	// Bytes is the size of what is stored, and Left how long it will be kept, 0 if that is not
	// known.
	Bytes int
	Left  time.Duration
	// Leased says that Lease is in force.
	Leased bool
	Lease  keystore.Hold
}

// Inspect looks at everything that is stored for an ID, one entry for each secret, and
// changes nothing. It is meant for operators. The errors are those of Load, without
// ErrNotFound and ErrUnusable.
func (s *Store) Inspect(ctx context.Context, id keystore.ID) ([]Inspection, error) {
	all := make([]Inspection, 0, len(s.secrets.ring))
	for i := range s.secrets.ring {
		sec := &s.secrets.ring[i]
		in := Inspection{Secret: sec.name(), Primary: i == 0, Name: s.name(sec, id, kindSet)}
		value, left, err := s.get(ctx, s.calls, "inspect", in.Name)
		switch {
		case err == nil:
			if in.Record, err = sec.open(s.namespace, id, value); err != nil {
				in.Err = keystore.ErrUnusable
			}
		case errors.Is(err, keystore.ErrNotFound), errors.Is(err, keystore.ErrUnusable):
			in.Err = err
		default:
			return nil, err
		}
		in.Bytes, in.Left = len(value), left
		if in.Lease, _, in.Leased, err = s.look(ctx, sec, id); err != nil {
			return nil, err
		}
		all = append(all, in)
	}
	return all, nil
}
