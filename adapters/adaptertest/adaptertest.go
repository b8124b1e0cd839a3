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
func Run(t *testing.T, serve func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) (baseURL string), opts ...Option) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, serve, opts...)) })
	}
}

// Option tells [Run] more about an adapter.
type Option interface{ apply(f *fixture) }

type option func(f *fixture)

func (o option) apply(f *fixture) { o(f) }

// Bridged is for adapters of protocols other than HTTP requests, such as gRPC: what serve
// starts is then a bridge, which makes a call of every request whatever its method and path,
// with the same header fields, and an answer of its outcome. seen returns the method and the
// URL of those calls for a URL that serve returned, as the guard should see them. The case of
// paths means nothing there. Default: requests reach the adapter as they are.
func Bridged(seen func(baseURL string) (method, url string)) Option {
	return option(func(f *fixture) { f.bridged = seen })
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
		{"cookie", cookie},

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
		{"resource metadata", resourceMetadata},
		{"several challenges", severalChallenges},
		{"server timing", serverTiming},

		{"proofs", boundProofs},
		{"host as sent", hostIsAsSent},
		{"path as sent", pathIsAsSent},
		{"behind a proxy", behindProxy},
		{"nonces", nonces},
		{"proofs on one connection", provenOnOneConnection},
		{"replay check not available", replayDown},

		{"token in the context", tokenInContext},
		{"preflight", preflight},
		{"preflight not asked for", preflightNotAskedFor},
		{"optional", optional},
		{"caller leaves", callerLeaves},
		{"caller leaves at the last moment", callerLeavesReplay},
		{"one connection, many callers", oneConnection},
		{"many callers at one time", manyAtOneTime},
	}
}
