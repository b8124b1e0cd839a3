package sealed_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// late carries a swap out, and then takes too long to say so, as a busy server does.
type late struct {
	*backend
	by atomic.Int64
}

func (l *late) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	err := l.backend.Swap(ctx, key, old, value, ttl)
	time.Sleep(time.Duration(l.by.Load()))
	return err
}

func TestAGrantWhoseAnswerWasLateIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &late{backend: newBackend()}
		b.by.Store(int64(150 * time.Millisecond))
		one, other := newStore(t, b), newStore(t, b)
		if l, _, err := one.TryLease(t.Context(), theID); l != nil || err == nil {
			t.Fatalf("granted is %v, %v; want no answer in time", l != nil, err)
		}
		b.by.Store(0)
		time.Sleep(time.Second)
		if l, hold, err := other.TryLease(t.Context(), theID); l != nil || !hold.Fetching {
			t.Errorf("another: granted is %v, %+v, %v", l != nil, hold, err)
		}
		mustClaim(t, one) // else nobody would fetch until the lease ends
	})
}
