package sealed

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

const onceLabel = "keychorus/once/1"

// Once implements [keystore.Replay] for the whole fleet: the first to create a name is the
// first to use the key. The name is a MAC of the key, so that the back end learns no keys. At
// most 64 calls are under way at a time, and the next waits for its turn; one that does not get
// it in time is ErrUnavailable, as is a back end that does not answer: callers must then refuse. Whoever can delete from the back end can make a use
// forgotten, and a failover may lose the last uses; it must not evict (noeviction).
func (s *Store) Once(ctx context.Context, key string, ttl time.Duration) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("sealed: once: %w", err)
	}
	if ttl <= 0 {
		return false, errors.New("sealed: once: the time to live is not positive")
	}
	// Back ends that count in milliseconds must not forget early.
	ttl = min(ttl, math.MaxInt64-time.Millisecond)
	if whole := ttl.Truncate(time.Millisecond); whole < ttl {
		ttl = whole + time.Millisecond
	}
	// Everybody creates the names under all secrets in one order, so that the first of two
	// is the same for both, whichever of the secrets they share.
	ring := slices.Clone(s.secrets.ring)
	slices.SortFunc(ring, func(a, b secret) int { return strings.Compare(a.name(), b.name()) })
	for i := range ring {
		sec := &ring[i]
		name := s.namespace + ":" + protocol + ":" + sec.name() + ":once:" +
			hex.EncodeToString(sec.mac([]byte(key), onceLabel, s.namespace)[:16])
		err := s.swap(ctx, s.uses, "once", name, nil, []byte{1}, ttl)
		switch {
		case errors.Is(err, keystore.ErrConflict):
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return true, nil
}
