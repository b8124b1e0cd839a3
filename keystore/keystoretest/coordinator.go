package keystoretest

import (
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// Coordinated is a store that several processes share.
type Coordinated interface {
	keystore.KeyStore
	keystore.Coordinator
}

const (
	// longestHold is how long an attempt may keep others from theirs: the 5 s it may last,
	// and a second.
	longestHold = 6 * time.Second
	// abandonedHold is the same for the time after an attempt that was broken off.
	abandonedHold = time.Second
	// grace is what a back end may need beyond the time it tells.
	grace = 2 * time.Second
	// eventWithin is how long news may take: the longest poll, and what is in the way.
	eventWithin = 20 * time.Second
)

// coordinatorCase is one promise of keystore.Coordinator.
type coordinatorCase struct {
	name string
	run  func(tb testing.TB, newPair pairOf)
}

type pairOf func(testing.TB) (one, other Coordinated)

func coordinatorCases() []coordinatorCase {
	return []coordinatorCase{
		{"one of many claims is granted", testClaimRace},
		{"leases of other key sets are apart", testLeaseIDs},
		{"an outcome is told while it cools", testCooling},
		{"after the cool-down the next claim is granted", testCooled},
		{"an attempt that was broken off is soon forgotten", testAbandoned},
		{"a holder that is gone does not hold for long", testDropped},
		{"ending late harms nobody", testLateEnd},
		{"an ended context is told and claims nothing", testClaimContext},
		{"watching ends with its context", testWatchEnds},
		{"watching begins with a gap", testWatchGap},
		{"a save reaches whoever watches", testWatchSave},
		{"events come one at a time", testWatchOrder},
		{"no goroutine of a coordinator is left behind", testWatchGoroutines},
	}
}

// RunCoordinator tests a store that several processes share. newPair returns two handles on
// one new, empty store, and registers with Cleanup what closes it. Passes who grants a lease
// for at most 6 s, forgets leases and cool-downs at most 2 s later than told, and tells of a
// save within 20 s, by the record, its ID alone or a gap.
//
// There are no subtests, so that a store which keeps time itself can be tested inside a
// bubble of testing/synctest; outside one, RunCoordinator takes some 10 s, and more with a
// store whose news is a matter of time.
func RunCoordinator(t *testing.T, newPair func(testing.TB) (one, other Coordinated)) {
	t.Helper()
	for _, c := range coordinatorCases() {
		t.Log(c.name)
		runScoped(t, func(tb testing.TB) { c.run(tb, newPair) })
	}
}

// claim returns the lease, or nil and who holds it.
func claim(tb testing.TB, s Coordinated, id keystore.ID) (keystore.Lease, keystore.Hold) {
	tb.Helper()
	l, hold, err := s.TryLease(tb.Context(), id)
	switch {
	case err != nil:
		tb.Fatalf("TryLease: %v", err)
	case l != nil && hold != keystore.Hold{}:
		tb.Errorf("a claim that is granted comes with %+v, want none", hold)
	}
	return l, hold
}

// mustClaim claims again and again, for at most within, until the lease is granted.
func mustClaim(tb testing.TB, s Coordinated, id keystore.ID, within time.Duration) keystore.Lease {
	tb.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		l, hold := claim(tb, s, id)
		if l != nil {
			return l
		}
		if !time.Now().Before(end) {
			tb.Fatalf("no claim was granted within %v; the last was told %+v", within, hold)
		}
	}
}

func mustEnd(tb testing.TB, l keystore.Lease, o keystore.Outcome, cooldown time.Duration) {
	tb.Helper()
	if err := l.End(tb.Context(), o, cooldown); err != nil {
		tb.Fatalf("End: %v", err)
	}
}

// wantHold claims in vain and wants to hear of an attempt under way, if o is zero, or of the
// cool-down after o, with some time left, but not more than most.
func wantHold(tb testing.TB, s Coordinated, id keystore.ID, o keystore.Outcome, most time.Duration) {
	tb.Helper()
	l, hold := claim(tb, s, id)
	if l != nil {
		tb.Fatalf("a claim was granted, want outcome %v and some time left", o)
	}
	checkHold(tb, hold, o, most)
}

func checkHold(tb testing.TB, hold keystore.Hold, o keystore.Outcome, most time.Duration) {
	tb.Helper()
	if hold.Fetching != (o == 0) || hold.Outcome != o || hold.Left <= 0 || hold.Left > most {
		tb.Errorf("a claim was told %+v, want outcome %v and up to %v left", hold, o, most)
	}
}
