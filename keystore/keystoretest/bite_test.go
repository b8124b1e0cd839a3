package keystoretest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// wrong is a mistake, and the cases that must find it.
type wrong struct {
	name  string
	make  func(*store)
	bites []string
}

func wrongs(leaks <-chan struct{}) []wrong {
	return []wrong{
		{"nothing is an empty record", func(s *store) { s.emptyIsFound = true }, []string{"nothing is not found"}},
		{"a field is lost", func(s *store) { s.alterSaved = func(r *keystore.Record) { r.ETag = "" } }, []string{"every field comes back"}},
		{"times are rounded", func(s *store) {
			s.alterSaved = func(r *keystore.Record) { r.FetchedAt = r.FetchedAt.Truncate(time.Microsecond) }
		}, []string{"every field comes back"}},
		{"the zero time is 1970", func(s *store) {
			s.alterSaved = func(r *keystore.Record) {
				if r.SuspectSince.IsZero() {
					r.SuspectSince = time.Unix(0, 0)
				}
			}
		}, []string{"every field comes back"}},
		{"zones are taken for UTC", func(s *store) {
			s.alterSaved = func(r *keystore.Record) {
				_, offset := r.FetchedAt.Zone()
				r.FetchedAt = r.FetchedAt.Add(time.Duration(offset) * time.Second).UTC()
			}
		}, []string{"every field comes back"}},
		{"documents are text", func(s *store) {
			s.alterSaved = func(r *keystore.Record) { r.Document = []byte(strings.ToValidUTF8(string(r.Document), "?")) }
		}, []string{"every field comes back"}},
		{"the suspicion is lost", func(s *store) { s.alterLoaded = func(r *keystore.Record) { r.Suspect = [32]byte{} } }, []string{"every field comes back"}},
		{"large documents are cut", func(s *store) {
			s.alterSaved = func(r *keystore.Record) { r.Document = r.Document[:min(len(r.Document), 512<<10)] }
		}, []string{"a large document comes back"}},
		{"a save over nothing saves over anything", func(s *store) { s.createOver = true }, []string{"saving over nothing happens once"}},
		{"a save saves over anything", func(s *store) { s.anyBase = true }, []string{"saving over an old version conflicts", "two handles see each other"}},
		{"all versions are one", func(s *store) { s.sameVersion = true }, []string{"every save has another version"}},
		{"a save looks, and then writes", func(s *store) { s.racy = true }, []string{"one of many creates", "no update is lost"}},
		{"the last caller's ID is everybody's", func(s *store) { s.oneAtATime = true }, []string{"concurrent use mixes nothing up"}},
		{"the parts of an ID are joined", func(s *store) { s.key = func(id keystore.ID) any { return id.Issuer + id.JWKSURL } }, []string{"IDs are told apart"}},
		{"case is folded", func(s *store) {
			s.key = func(id keystore.ID) any { return strings.ToLower(id.Issuer) + "\n" + id.JWKSURL }
		}, []string{"IDs are told apart"}},
		{"IDs end at NUL", func(s *store) {
			s.key = func(id keystore.ID) any { cut, _, _ := strings.Cut(id.Issuer, "\x00"); return cut + "\n" + id.JWKSURL }
		}, []string{"IDs are told apart"}},
		{"accents are composed", func(s *store) {
			s.key = func(id keystore.ID) any {
				return strings.ReplaceAll(id.Issuer, "e\u0301", "\u00e9") + "\n" + id.JWKSURL
			}
		}, []string{"IDs are told apart"}},
		{"trailing slashes are dropped", func(s *store) {
			s.key = func(id keystore.ID) any { return strings.TrimRight(id.Issuer, "/") + "\n" + id.JWKSURL }
		}, []string{"IDs are told apart"}},
		{"long IDs are cut", func(s *store) {
			s.key = func(id keystore.ID) any { return id.Issuer[:min(len(id.Issuer), 255)] + "\n" + id.JWKSURL }
		}, []string{"IDs are told apart"}},
		{"what was handed over is kept", func(s *store) { s.noCopyIn = true }, []string{"changing what was saved changes nothing"}},
		{"what is kept is handed out", func(s *store) { s.noCopyOut = true }, []string{"changing what was loaded changes nothing"}},
		{"the context is ignored", func(s *store) { s.ignoreCtx = true }, []string{"an ended context is told and stores nothing"}},
		{"the context is told too late", func(s *store) { s.lateCtx = true }, []string{"an ended context is told and stores nothing"}},
		{"nil is a record", func(s *store) { s.nilIsEmpty = true }, []string{"a nil record is an error"}},
		{"every save starts a goroutine", func(s *store) { s.leaks = leaks }, []string{"no goroutine is left behind"}},
		{"handles share nothing", func(s *store) { s.apart = true }, []string{"two handles see each other"}},
		{"failure is absence", func(s *store) { s.downIsMissing = true }, []string{"a failure is not an absence"}},
		{"failure is a conflict", func(s *store) { s.downIsConflict = true }, []string{"a failure is not an absence"}},
		{"failure has no name", func(s *store) { s.downIsUnnamed = true }, []string{"a failure is not an absence"}},
		{"what is forgotten is saved over", func(s *store) { s.bound, s.staleIsFine = 30, true }, []string{"what is forgotten conflicts"}},
		{"versions start again", func(s *store) { s.bound, s.restart = 30, true }, []string{"what is forgotten conflicts"}},
		{"nothing is forgotten", func(s *store) { s.bound, s.forgetNothing = 30, true }, []string{"what is forgotten conflicts", "what is kept is not mixed up"}},
		{"one too many forgets all", func(s *store) { s.bound, s.forgetAll = 2, true }, []string{"what is kept is not mixed up"}},
		{"records are mixed up", func(s *store) {
			s.bound = 30
			s.key = func(id keystore.ID) any { return len(id.Issuer) }
		}, []string{"what is kept is not mixed up"}},
	}
}

func TestTheRightStorePasses(t *testing.T) {
	for _, bound := range []int{0, 1, 30} {
		made := newStore(func(s *store) { s.bound = bound })
		Run(t, func(testing.TB) keystore.KeyStore { return newStore(func(s *store) { s.bound = bound }) }, made.options()...)
	}
}

// TestEveryCaseBites runs in a bubble, where the case that waits for goroutines takes no time.
func TestEveryCaseBites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaks := make(chan struct{})
		defer close(leaks)
		bitten := map[string]bool{}
		for _, w := range wrongs(leaks) {
			for _, name := range w.bites {
				if !bites(t, func(tb testing.TB) { named(t, name, w).run(tb, suiteOf(w)) }) {
					t.Errorf("a store where %s passes %q", w.name, name)
				}
				bitten[name] = true
			}
		}
		for _, c := range cases() {
			if !bitten[c.name] {
				t.Errorf("no broken store fails %q", c.name)
			}
			if right := suiteOf(wrong{make: func(s *store) { s.bound = 30 }}); bites(t, func(tb testing.TB) { c.run(tb, right) }) {
				t.Errorf("%q fails a store that is right", c.name)
			}
		}
	})
}

func suiteOf(w wrong) *suite {
	return newSuite(func(testing.TB) keystore.KeyStore { return newStore(w.make) }, newStore(w.make).options())
}

// named returns the case that must find w, which has to be one that Run would run.
func named(t *testing.T, name string, w wrong) testCase {
	t.Helper()
	for _, c := range cases() {
		if c.name == name && (c.applies == nil || c.applies(suiteOf(w))) {
			return c
		}
	}
	t.Errorf("there is no case %q for a store where %s", name, w.name)
	return testCase{run: func(testing.TB, *suite) {}}
}
