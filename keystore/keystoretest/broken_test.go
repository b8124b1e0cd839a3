package keystoretest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// store is a right store with switches that make it wrong.
type store struct {
	mu      *sync.Mutex
	entries map[any]stored
	order   []keystore.ID
	saves   *int
	broken  bool

	key                                                 func(keystore.ID) any
	alterSaved                                          func(*keystore.Record)
	alterLoaded                                         func(*keystore.Record)
	noCopyIn, noCopyOut, anyBase, createOver, ignoreCtx bool
	sameVersion, racy, nilIsEmpty, emptyIsFound         bool
	lateCtx, forgetNothing, staleIsFine                 bool
	bound                                               int
	downIsMissing                                       bool
}

type stored struct {
	rec *keystore.Record
	v   keystore.Version
}

func newStore(wrong func(*store)) *store {
	s := &store{mu: new(sync.Mutex), entries: map[any]stored{}, saves: new(int), key: func(id keystore.ID) any { return id }}
	if wrong != nil {
		wrong(s)
	}
	return s
}

func (s *store) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	if err := ctx.Err(); err != nil && !s.ignoreCtx {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken && !s.downIsMissing {
		return nil, "", keystore.ErrUnavailable
	}
	e, ok := s.entries[s.key(id)]
	if !ok || s.broken {
		if s.emptyIsFound {
			return &keystore.Record{}, "", nil
		}
		return nil, "", keystore.ErrNotFound
	}
	rec := e.rec
	if !s.noCopyOut {
		rec = rec.Clone()
	}
	if s.alterLoaded != nil {
		s.alterLoaded(rec)
	}
	return rec, e.v, nil
}

func (s *store) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	if err := ctx.Err(); err != nil && !s.ignoreCtx && !s.lateCtx {
		return "", err
	}
	if rec == nil && !s.nilIsEmpty {
		return "", errors.New("nil")
	}
	if !s.noCopyIn {
		rec = rec.Clone()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return "", keystore.ErrUnavailable
	}
	current := s.entries[s.key(id)].v
	if s.racy { // looks, lets others in, then writes
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
	if current != base && !s.anyBase && !(s.createOver && base == "") && !(s.staleIsFine && base != "" && current == "") {
		return "", keystore.ErrConflict
	}
	if s.alterSaved != nil {
		s.alterSaved(rec)
	}
	*s.saves++
	v := keystore.Version("v" + strconv.Itoa(*s.saves))
	if s.sameVersion {
		v = "v"
	}
	s.entries[s.key(id)] = stored{rec, v}
	if !slices.Contains(s.order, id) {
		s.order = append(s.order, id)
	}
	if s.bound > 0 && len(s.order) > s.bound && !s.forgetNothing {
		delete(s.entries, s.key(s.order[0]))
		s.order = s.order[1:]
	}
	return v, ctx.Err()
}

func (s *store) options() []Option {
	return []Option{
		Shared(func(testing.TB) (one, other keystore.KeyStore) { return s.fresh(), s }),
		Breakable(func(_ testing.TB, broken keystore.KeyStore) {
			if b, ok := broken.(*store); ok {
				b.broken = true
			}
		}),
	}
}

// fresh is another handle on the same contents.
func (s *store) fresh() *store { c := *s; return &c }

func TestTheRightStorePasses(t *testing.T) {
	s := newStore(nil)
	Run(t, func(testing.TB) keystore.KeyStore { return newStore(nil) }, s.options()...)
	Run(t, func(testing.TB) keystore.KeyStore { return newStore(func(s *store) { s.bound = 30 }) }, Bounded(30))
}

// wrongs are stores with one mistake each, and the case that must find it.
func wrongs() map[string]struct {
	wrong func(*store)
	bites []string
} {
	type row = struct {
		wrong func(*store)
		bites []string
	}
	return map[string]row{
		"nothing is an empty record": {func(s *store) { s.emptyIsFound = true }, []string{"nothing is not found"}},
		"loses a field":              {func(s *store) { s.alterSaved = func(r *keystore.Record) { r.ETag = "" } }, []string{"every field comes back"}},
		"rounds times": {func(s *store) {
			s.alterSaved = func(r *keystore.Record) { r.FetchedAt = r.FetchedAt.Truncate(time.Second) }
		}, []string{"every field comes back"}},
		"loses the suspicion": {func(s *store) { s.alterLoaded = func(r *keystore.Record) { r.Suspect = [32]byte{} } }, []string{"every field comes back"}},
		"cuts large documents": {func(s *store) {
			s.alterSaved = func(r *keystore.Record) { r.Document = r.Document[:min(len(r.Document), 64<<10)] }
		}, []string{"a large document comes back"}},
		"creates over what is there": {func(s *store) { s.createOver = true }, []string{"saving over nothing happens once"}},
		"saves over anything":        {func(s *store) { s.anyBase = true }, []string{"saving over an old version conflicts", "two handles see each other"}},
		"one version for all":        {func(s *store) { s.sameVersion = true }, []string{"every save has another version"}},
		"looks and saves apart":      {func(s *store) { s.racy = true }, []string{"one of many creates", "no update is lost"}},
		"joins the parts of an ID":   {func(s *store) { s.key = func(id keystore.ID) any { return id.Issuer + id.JWKSURL } }, []string{"IDs are told apart"}},
		"folds case in IDs": {func(s *store) {
			s.key = func(id keystore.ID) any { return strings.ToLower(id.Issuer) + "\n" + id.JWKSURL }
		}, []string{"IDs are told apart"}},
		"cuts long IDs": {func(s *store) {
			s.key = func(id keystore.ID) any { return id.Issuer[:min(len(id.Issuer), 255)] + "\n" + id.JWKSURL }
		}, []string{"IDs are told apart"}},
		"keeps what it was handed":    {func(s *store) { s.noCopyIn = true }, []string{"changing what was saved changes nothing"}},
		"hands out what it keeps":     {func(s *store) { s.noCopyOut = true }, []string{"changing what was loaded changes nothing"}},
		"ignores the context":         {func(s *store) { s.ignoreCtx = true }, []string{"an ended context is told and stores nothing"}},
		"stores before it looks":      {func(s *store) { s.lateCtx = true }, []string{"an ended context is told and stores nothing"}},
		"takes nil for a record":      {func(s *store) { s.nilIsEmpty = true; s.alterSaved = func(*keystore.Record) {} }, []string{"a nil record is an error"}},
		"failure is absence":          {func(s *store) { s.downIsMissing = true }, []string{"a failure is not an absence"}},
		"forgets, yet saves over it":  {func(s *store) { s.bound = 30; s.staleIsFine = true }, []string{"what is forgotten conflicts"}},
		"keeps more than it says":     {func(s *store) { s.bound = 30; s.forgetNothing = true }, []string{"what is kept is not mixed up"}},
		"mixes records up when small": {func(s *store) { s.bound = 30; s.key = func(id keystore.ID) any { return len(id.Issuer) } }, []string{"what is kept is not mixed up"}},
	}
}

func TestEveryCaseBites(t *testing.T) {
	bitten := map[string]bool{}
	for name, w := range wrongs() {
		made := newStore(w.wrong)
		opts := append(made.options(), Bounded(made.bound))
		s := newSuite(func(testing.TB) keystore.KeyStore { return newStore(w.wrong) }, opts)
		for _, c := range cases() {
			if c.applies != nil && !c.applies(s) {
				continue
			}
			failed := bites(t, func(tb testing.TB) { c.run(tb, s) })
			for _, want := range w.bites {
				if want == c.name && !failed {
					t.Errorf("a store that %s passes %q", name, c.name)
				}
			}
			bitten[c.name] = bitten[c.name] || failed
		}
	}
	for _, c := range cases() {
		if !bitten[c.name] {
			t.Errorf("no broken store fails %q", c.name)
		}
	}
}

// replay is a right Replay with switches that make it wrong.
type replay struct {
	mu                            sync.Mutex
	used                          map[string]bool
	never, racy, ignoreCtx, folds bool
}

func (r *replay) Once(ctx context.Context, key string, _ time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil && !r.ignoreCtx {
		return false, err
	}
	if r.folds {
		key = strings.ToLower(key)
	}
	r.mu.Lock()
	used := r.used[key]
	if r.racy {
		r.mu.Unlock()
		time.Sleep(time.Millisecond)
		r.mu.Lock()
	}
	r.used[key] = !r.never
	r.mu.Unlock()
	return !used, nil
}

func TestEveryReplayCaseBites(t *testing.T) {
	RunReplay(t, func(testing.TB) keystore.Replay { return &replay{used: map[string]bool{}} })
	for name, w := range map[string]struct {
		wrong func(*replay)
		bites int
	}{
		"remembers nothing":   {func(r *replay) { r.never = true }, 0},
		"folds case":          {func(r *replay) { r.folds = true }, 0},
		"looks and uses":      {func(r *replay) { r.racy = true }, 1},
		"ignores the context": {func(r *replay) { r.ignoreCtx = true }, 2},
	} {
		r := &replay{used: map[string]bool{}}
		w.wrong(r)
		if !bites(t, func(tb testing.TB) { replayCases()[w.bites].run(tb, r) }) {
			t.Errorf("a Replay that %s passes", name)
		}
	}
}
