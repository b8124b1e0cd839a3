package adaptertest

import (
	"net/http"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// serveFunc is the adapter under test, see [Run].
type serveFunc = func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) (baseURL string)

// Run tests an adapter. Each case is a subtest that calls serve once or more; serve
// starts a server on a loopback address, with next behind the adapter for every method
// and every path, and returns its URL with scheme http. It stops the server with
// tb.Cleanup, and waits there until all handlers have returned. The context of the
// request that next gets must carry the token. g is nil in one case. The server must
// accept header fields of 256 KiB, which some of the attacks need.
func Run(t *testing.T, serve func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) (baseURL string)) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, serve)) })
	}
}

type testCase struct {
	name string
	run  func(f *fixture)
}

func cases() []testCase {
	return []testCase{
		{"no credentials", noCredentials},
		{"another scheme", anotherScheme},
		{"token in another place", anotherPlace},
		{"scheme in any case", schemeInAnyCase},
		{"several spaces", severalSpaces},
		{"broken header", brokenHeader},
		{"two Authorization headers", twoHeaders},
		{"two credentials in one header", twoInOne},
		{"placeholder", placeholder},
		{"attacks", attacks},

		{"missing scopes", missingScopes},
		{"requirement without a scope", requirementWithoutScope},
		{"every requirement counts", everyRequirement},
		{"old or weak login", stepUp},
		{"keys not available", keysNotAvailable},
		{"zero requirement", zeroRequirement},
		{"nil guard", nilGuard},
		{"realm", realm},
		{"error body", errorBody},
		{"HEAD", head},

		{"token in the context", tokenInContext},
		{"preflight", preflight},
		{"preflight not asked for", preflightNotAskedFor},
		{"optional", optional},
		{"caller leaves", callerLeaves},
		{"one connection, many callers", oneConnection},
		{"many callers at one time", manyAtOneTime},
	}
}
