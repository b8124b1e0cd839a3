package keystoretest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

func TestTheRightCoordinatorPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		RunCoordinator(t, newCoordinators(func(*coordinator) {}, nil))
	})
}

// clocked tells of changes by the clock alone.
type clocked struct {
	*coordinator

	every time.Duration
}

func (h clocked) Watch(ctx context.Context, on func(keystore.Event)) error {
	for {
		on(keystore.Event{Gap: true})
		select {
		case <-time.After(h.every):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestNewsMayBeAMatterOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for every, want := range map[time.Duration]bool{18 * time.Second: false, time.Hour: true} {
			failed := bites(t, func(tb testing.TB) {
				testWatchSave(tb, func(tb testing.TB) (one, other Coordinated) {
					one, other = newCoordinators(func(c *coordinator) { c.noEvents = true }, nil)(tb)
					return one, clocked{other.(*coordinator), every}
				})
			})
			if failed != want {
				t.Errorf("with a gap every %v it fails: %v, want %v", every, failed, want)
			}
		}
	})
}

var coordinatorWrongs = []struct {
	name  string
	wrong func(*coordinator)
	bites []string
}{
	{"a claim looks, and then writes", func(c *coordinator) { c.claimWrong.racy = true }, []string{"one of many claims is granted"}},
	{"nobody says who holds", func(c *coordinator) { c.silent = true }, []string{"one of many claims is granted", "an outcome is told while it cools"}},
	{"no time is left", func(c *coordinator) { c.leftZero = true }, []string{"one of many claims is granted", "an outcome is told while it cools"}},
	{"who is granted is told of itself", func(c *coordinator) { c.grantTold = true }, []string{"leases of other key sets are apart"}},
	{"an issuer has one lease", func(c *coordinator) { c.isOfIssuer = true }, []string{"leases of other key sets are apart"}},
	{"cooling is fetching", func(c *coordinator) { c.coolsFetching = true }, []string{"an outcome is told while it cools"}},
	{"the outcome is forgotten", func(c *coordinator) { c.forgetsOutcome = true }, []string{"an outcome is told while it cools"}},
	{"nothing cools", func(c *coordinator) { c.neverCools = true }, []string{"an outcome is told while it cools", "after the cool-down the next claim is granted"}},
	{"a cool-down is cut short", func(c *coordinator) { c.coolsHalf = true }, []string{"an outcome is told while it cools", "after the cool-down the next claim is granted"}},
	{"a cool-down has no end", func(c *coordinator) { c.coolsForever = true }, []string{"after the cool-down the next claim is granted"}},
	{"an attempt that was broken off cools", func(c *coordinator) { c.abandonedCools = true }, []string{"an attempt that was broken off is soon forgotten"}},
	{"a lease has no end", func(c *coordinator) { c.livesForever = true }, []string{"a holder that is gone does not hold for long"}},
	{"a lease is long", func(c *coordinator) { c.livesLong = true }, []string{"one of many claims is granted", "a holder that is gone does not hold for long"}},
	{"anybody ends a lease", func(c *coordinator) { c.endsAny = true }, []string{"ending late harms nobody", "a holder that is gone does not hold for long"}},
	{"a claim ignores its context", func(c *coordinator) { c.claimWrong.ignoreCtx = true }, []string{"an ended context is told and claims nothing"}},
	{"a claim tells its context too late", func(c *coordinator) { c.claimWrong.lateCtx = true }, []string{"an ended context is told and claims nothing"}},
	{"an end ignores its context", func(c *coordinator) { c.endIgnoresCtx = true }, []string{"an ended context is told and claims nothing"}},
	{"watching ends well", func(c *coordinator) { c.endsWell = true }, []string{"watching ends with its context"}},
	{"watching never ends", func(c *coordinator) { c.neverEnds = true }, []string{"watching ends with its context", "no goroutine of a coordinator is left behind"}},
	{"news comes after the end", func(c *coordinator) { c.tellsAfter = true }, []string{"watching ends with its context"}},
	{"watching begins in silence", func(c *coordinator) { c.noGap = true }, []string{"watching begins with a gap"}},
	{"nothing is told", func(c *coordinator) { c.noEvents = true }, []string{"a save reaches whoever watches"}},
	{"another key set is told", func(c *coordinator) { c.otherID = true }, []string{"a save reaches whoever watches"}},
	{"another record is told", func(c *coordinator) { c.otherRecord = true }, []string{"a save reaches whoever watches"}},
	{"another version is told", func(c *coordinator) { c.otherVersion = true }, []string{"a save reaches whoever watches"}},
	{"events overlap", func(c *coordinator) { c.overlaps = true }, []string{"events come one at a time"}},
	{"watching leaves a goroutine", func(c *coordinator) { c.watchWrong.leaks = true }, []string{"no goroutine of a coordinator is left behind"}},
}

// TestEveryCoordinatorCaseBites gives each store a bubble of its own: one that leaves
// something behind is in nobody's way.
func TestEveryCoordinatorCaseBites(t *testing.T) {
	bitten := map[string]bool{}
	for _, w := range coordinatorWrongs {
		for _, name := range w.bites {
			bitten[name] = true
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				defer close(over)
				if !bites(t, func(tb testing.TB) { namedCoordinator(t, name).run(tb, newCoordinators(w.wrong, over)) }) {
					t.Errorf("a store where %s passes %q", w.name, name)
				}
			})
		}
	}
	for _, c := range coordinatorCases() {
		if !bitten[c.name] {
			t.Errorf("no broken store fails %q", c.name)
		}
	}
}

func namedCoordinator(t *testing.T, name string) coordinatorCase {
	t.Helper()
	for _, c := range coordinatorCases() {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no case %q", name)
	return coordinatorCase{}
}

var _ keystore.Coordinator = (*coordinator)(nil)
