package keystoretest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

func testClaimRace(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	const claims = 32
	granted := make(chan keystore.Lease, claims)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range claims {
		s := one
		if i%2 > 0 {
			s = other
		}
		wg.Go(func() {
			<-start
			l, hold, err := s.TryLease(tb.Context(), plainID)
			switch {
			case err != nil:
				tb.Errorf("TryLease: %v", err)
			case l != nil:
				granted <- l
			default:
				checkHold(tb, hold, 0, longestHold)
			}
		})
	}
	close(start)
	wg.Wait()
	if len(granted) != 1 {
		tb.Errorf("%d of %d claims were granted, want 1", len(granted), claims)
	}
}

func testLeaseIDs(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	ids := []keystore.ID{
		plainID, {Issuer: plainID.Issuer, JWKSURL: "https://issuer.example.test/jwks"}, {JWKSURL: plainID.Issuer},
		{Issuer: plainID.Issuer + "/"}, {Issuer: "HTTPS://issuer.example.test"},
	}
	for i, id := range ids {
		l, hold := claim(tb, one, id)
		if l == nil {
			tb.Fatalf("nobody has claimed %q yet, but a claim is told %+v", id, hold)
		}
		if i%2 > 0 {
			mustEnd(tb, l, keystore.Failed, time.Hour)
		}
	}
	for i, id := range ids {
		if i%2 > 0 {
			wantHold(tb, other, id, keystore.Failed, time.Hour)
		} else {
			wantHold(tb, other, id, 0, longestHold)
		}
	}
}

var cooling = []keystore.Outcome{keystore.Useful, keystore.Absent, keystore.Failed}

func testCooling(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	for i, o := range cooling {
		id := numbered(i)
		mustEnd(tb, mustClaim(tb, one, id, 0), o, 10*time.Minute)
		for _, s := range []Coordinated{one, other} {
			wantHold(tb, s, id, o, 10*time.Minute)
		}
		if _, hold := claim(tb, other, id); hold.Left < 9*time.Minute {
			tb.Errorf("a cool-down of 10 minutes began with %v left", hold.Left)
		}
	}
}

func testCooled(tb testing.TB, newPair pairOf) {
	const cooldown = 300 * time.Millisecond
	one, other := newPair(tb)
	for i, o := range cooling {
		l, ended := mustClaim(tb, one, numbered(i), 0), time.Now()
		mustEnd(tb, l, o, cooldown)
		mustClaim(tb, other, numbered(i), cooldown+grace)
		if took := time.Since(ended); took < cooldown-10*time.Millisecond { // back ends round
			tb.Errorf("%v into a cool-down of %v after outcome %v, a claim was granted", took, cooldown, o)
		}
	}
}

func testAbandoned(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	mustEnd(tb, mustClaim(tb, one, plainID, 0), keystore.Abandoned, time.Hour)
	if l, hold := claim(tb, other, plainID); l == nil {
		checkHold(tb, hold, keystore.Abandoned, abandonedHold)
		mustClaim(tb, other, plainID, abandonedHold+grace)
	}
}

// testDropped is about a process that was killed: nobody ends its lease, or it does so when
// somebody else has claimed.
func testDropped(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	dropped := mustClaim(tb, one, plainID, 0)
	wantHold(tb, other, plainID, 0, longestHold)
	mustClaim(tb, other, plainID, longestHold+grace)
	mustEnd(tb, dropped, keystore.Abandoned, 0)
	wantHold(tb, one, plainID, 0, longestHold)
}

func testLateEnd(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	l := mustClaim(tb, one, plainID, 0)
	mustEnd(tb, l, keystore.Useful, time.Millisecond)
	next := mustClaim(tb, other, plainID, grace)
	mustEnd(tb, l, keystore.Abandoned, 0)
	wantHold(tb, one, plainID, 0, longestHold)
	mustEnd(tb, next, keystore.Absent, 10*time.Minute)
	mustEnd(tb, l, keystore.Failed, time.Millisecond)
	wantHold(tb, one, plainID, keystore.Absent, 10*time.Minute)
}

func testClaimContext(tb testing.TB, newPair pairOf) {
	one, other := newPair(tb)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	if l, _, err := one.TryLease(ctx, plainID); !errors.Is(err, context.Canceled) || l != nil {
		tb.Errorf("TryLease with an ended context: granted is %v, %v", l != nil, err)
	}
	l, hold := claim(tb, other, plainID)
	if l == nil {
		tb.Fatalf("a claim with an ended context holds: %+v", hold)
	}
	if err := l.End(ctx, keystore.Failed, time.Hour); !errors.Is(err, context.Canceled) {
		tb.Errorf("End with an ended context: %v", err)
	}
	wantHold(tb, one, plainID, 0, longestHold)
}
