package keystoretest

import (
	"testing"

	"github.com/keychorus/keychorus/keystore"
)

// Option tells the suite what a store can do.
type Option func(*suite)

// Shared adds the cases for stores that several processes share: newPair returns two
// handles on one new, empty store. Default: handles share nothing.
func Shared(newPair func(testing.TB) (one, other keystore.KeyStore)) Option {
	return func(s *suite) { s.newPair = newPair }
}

// Bounded adds the cases for stores that keep at most n records and forget others, whichever
// they choose, to make room. Default: a store keeps all.
func Bounded(n int) Option {
	return func(s *suite) { s.bound = n }
}

// Break adds the cases for stores whose back end can fail: breakIt makes the back end of a
// store from newStore fail until the case ends. Default: the back end cannot fail.
func Break(breakIt func(keystore.KeyStore)) Option {
	return func(s *suite) { s.breakIt = breakIt }
}

type suite struct {
	newStore func(testing.TB) keystore.KeyStore
	newPair  func(testing.TB) (one, other keystore.KeyStore)
	breakIt  func(keystore.KeyStore)
	bound    int
}

// testCase is one promise of the interface.
type testCase struct {
	name    string
	applies func(*suite) bool // nil: always
	run     func(testing.TB, *suite)
}

// cases are all promises. Every one is broken by a store in the tests of this package.
func cases() []testCase {
	shared := func(s *suite) bool { return s.newPair != nil }
	bounded := func(s *suite) bool { return s.bound > 0 }
	breakable := func(s *suite) bool { return s.breakIt != nil }
	return []testCase{
		{"nothing is not found", nil, testNotFound},
		{"every field comes back", nil, testRoundTrip},
		{"a large document comes back", nil, testLargeDocument},
		{"saving over nothing happens once", nil, testCreateOnce},
		{"saving over an old version conflicts", nil, testStaleBase},
		{"every save has another version", nil, testVersions},
		{"one of many creates", nil, testCreateRace},
		{"no update is lost", nil, testSwapChain},
		{"concurrent use mixes nothing up", nil, testMixedUse},
		{"IDs are told apart", nil, testIDs},
		{"changing what was saved changes nothing", nil, testSavedIsCopied},
		{"changing what was loaded changes nothing", nil, testLoadedIsCopied},
		{"an ended context is told and stores nothing", nil, testContext},
		{"a nil record is an error", nil, testNilRecord},
		{"no goroutine is left behind", nil, testGoroutines},
		{"two handles see each other", shared, testShared},
		{"what is forgotten conflicts", bounded, testForgotten},
		{"what is kept is not mixed up", bounded, testBoundedContents},
		{"a failure is not an absence", breakable, testBroken},
	}
}

// Run tests a store, each promise in a subtest of its own. newStore returns a new, empty store
// for each call, and registers with Cleanup what closes it. Run cannot run inside a bubble of
// testing/synctest, which has no subtests.
func Run(t *testing.T, newStore func(testing.TB) keystore.KeyStore, opts ...Option) {
	t.Helper()
	s := newSuite(newStore, opts)
	for _, c := range cases() {
		if c.applies == nil || c.applies(s) {
			t.Run(c.name, func(t *testing.T) { c.run(t, s) })
		}
	}
}

func newSuite(newStore func(testing.TB) keystore.KeyStore, opts []Option) *suite {
	s := &suite{newStore: newStore}
	for _, o := range opts {
		o(s)
	}
	return s
}
