package fleet_test

import (
	"context"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// skewed is the store of a replica whose clock is wrong: all share the clock of the bubble, so
// it is the dates that move, on their way in and out. What a lease says of its beginning is not
// moved; its life is counted by the server.
type skewed struct {
	*sealed.Store
	ahead time.Duration
}

func (s skewed) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	rec, v, err := s.Store.Load(ctx, id)
	return moved(rec, -s.ahead), v, err
}

func (s skewed) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	return s.Store.Save(ctx, id, moved(rec, s.ahead), base)
}

func (s skewed) Watch(ctx context.Context, on func(keystore.Event)) error {
	return s.Store.Watch(ctx, func(e keystore.Event) {
		e.Record = moved(e.Record, -s.ahead)
		on(e)
	})
}

// moved returns the record with its dates moved.
func moved(rec *keystore.Record, by time.Duration) *keystore.Record {
	if rec == nil {
		return nil
	}
	m := *rec
	for _, at := range []*time.Time{&m.FetchedAt, &m.DiscoveredAt, &m.SuspectSince} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	return &m
}

// wrongClocks is one replica in a hundred whose clock is off, in turn by as much as follows.
func wrongClocks(s *simulation) row {
	off := []time.Duration{time.Hour, -10 * time.Minute, 30 * time.Second, -time.Hour, 10 * time.Minute}
	s.storeOf = func(i int, st *sealed.Store) keystore.KeyStore {
		if i%100 == min(50, s.n/2) {
			return skewed{st, off[i/100%len(off)]}
		}
		return st
	}
	s.warm()
	stop := s.traffic(s.origin.token(), 10*time.Minute)
	time.Sleep(30 * time.Minute)
	// To a clock that is ahead, the answers of the others look older than its own: each of the
	// two that are costs the fleet one attempt more in each cycle.
	r := s.row("1 % of clocks wrong by up to 1 h, 30 min", served{}, stop(), "one fetch more in each cycle for each clock ahead")
	s.atMost("fetches", float64(r.fetches), 3*(30/4+1)) // calm ones are 4 min apart or more, and there may be one at either end
	return r
}
