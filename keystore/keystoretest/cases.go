package keystoretest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

var plainID = keystore.ID{Issuer: "https://issuer.example.test"}

// full returns a record in which every field is set.
func full(id keystore.ID) *keystore.Record {
	at := time.Date(2031, 2, 3, 4, 5, 6, 789_012_345, time.UTC)
	return &keystore.Record{
		ID: id, Document: []byte("{\"keys\":[]}\n\x00\xff"), ResolvedURL: "https://issuer.example.test/jwks",
		DiscoveredAt: at.Add(-time.Hour), FetchedAt: at, FreshFor: 5 * time.Minute, UsableFor: 24 * time.Hour,
		ETag: `W/"x"`, LastModified: "Mon, 03 Feb 2031 04:05:06 GMT", Denied: []string{"kid", "thumbprint"},
		Epoch: 3, DocumentEpoch: 2, Suspect: [32]byte{1, 31: 2}, SuspectSince: at.Add(time.Minute),
	}
}

func mustSave(
	tb testing.TB, s keystore.KeyStore, id keystore.ID, rec *keystore.Record, base keystore.Version,
) keystore.Version {
	tb.Helper()
	v, err := s.Save(tb.Context(), id, rec, base)
	if err != nil {
		tb.Fatalf("Save: %v", err)
	}
	if v == "" {
		tb.Fatal("Save returned no version")
	}
	return v
}

func mustLoad(tb testing.TB, s keystore.KeyStore, id keystore.ID) (*keystore.Record, keystore.Version) {
	tb.Helper()
	rec, v, err := s.Load(tb.Context(), id)
	if err != nil {
		tb.Fatalf("Load: %v", err)
	}
	return rec, v
}

// same compares records: times by instant, lists by content.
func same(tb testing.TB, got, want *keystore.Record) {
	tb.Helper()
	if got == nil {
		tb.Fatal("the record is nil")
		return
	}
	g, w := *got, *want
	for _, t := range []struct {
		name      string
		got, want *time.Time
	}{
		{"DiscoveredAt", &g.DiscoveredAt, &w.DiscoveredAt}, {"FetchedAt", &g.FetchedAt, &w.FetchedAt},
		{"SuspectSince", &g.SuspectSince, &w.SuspectSince},
	} {
		if !t.got.Equal(*t.want) || t.got.IsZero() != t.want.IsZero() {
			tb.Errorf("%s is %v, want %v", t.name, t.got, t.want)
		}
		*t.got, *t.want = time.Time{}, time.Time{}
	}
	if !bytes.Equal(g.Document, w.Document) || !slices.Equal(g.Denied, w.Denied) {
		tb.Errorf("Document or Denied differ: %q and %q", g.Denied, w.Denied)
	}
	g.Document, w.Document, g.Denied, w.Denied = nil, nil, nil, nil
	if !reflect.DeepEqual(g, w) {
		tb.Errorf("record is %+v, want %+v", g, w)
	}
}

func testNotFound(tb testing.TB, s *suite) {
	rec, v, err := s.newStore(tb).Load(tb.Context(), plainID)
	if !errors.Is(err, keystore.ErrNotFound) || rec != nil || v != "" {
		tb.Errorf("Load of nothing returned %v, %q, %v; want ErrNotFound alone", rec, v, err)
	}
}

func testRoundTrip(tb testing.TB, s *suite) {
	zone := full(plainID)
	zone.FetchedAt = zone.FetchedAt.In(time.FixedZone("east", 3600))
	for _, want := range []*keystore.Record{full(plainID), {ID: plainID}, zone, {ID: plainID, Denied: []string{}, Document: []byte{}}} {
		store := s.newStore(tb)
		saved := mustSave(tb, store, plainID, want, "")
		got, v := mustLoad(tb, store, plainID)
		same(tb, got, want)
		if v != saved {
			tb.Errorf("Load returned version %q, Save %q", v, saved)
		}
	}
}

func testLargeDocument(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	want := full(plainID)
	want.Document = bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB, twice what an issuer may send
	mustSave(tb, store, plainID, want, "")
	got, _ := mustLoad(tb, store, plainID)
	same(tb, got, want)
}

func testCreateOnce(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	want := full(plainID)
	mustSave(tb, store, plainID, want, "")
	if _, err := store.Save(tb.Context(), plainID, &keystore.Record{ID: plainID}, ""); !errors.Is(err, keystore.ErrConflict) {
		tb.Errorf("the second save over nothing: %v, want ErrConflict", err)
	}
	got, _ := mustLoad(tb, store, plainID)
	same(tb, got, want)
}

func testStaleBase(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	first := mustSave(tb, store, plainID, &keystore.Record{ID: plainID}, "")
	want := full(plainID)
	mustSave(tb, store, plainID, want, first)
	for _, base := range []keystore.Version{first, "made up"} {
		if _, err := store.Save(tb.Context(), plainID, &keystore.Record{ID: plainID}, base); !errors.Is(err, keystore.ErrConflict) {
			tb.Errorf("saving over version %q: %v, want ErrConflict", base, err)
		}
	}
	if _, err := store.Save(tb.Context(), keystore.ID{Issuer: "other"}, full(plainID), "made up"); !errors.Is(err, keystore.ErrConflict) {
		tb.Errorf("saving over a version of nothing: %v, want ErrConflict", err)
	}
	got, _ := mustLoad(tb, store, plainID)
	same(tb, got, want)
}

func testVersions(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	seen := map[keystore.Version]bool{}
	v := keystore.Version("")
	for i := range 10 {
		// Epoch makes the records differ: a version may be the stored bytes.
		v = mustSave(tb, store, plainID, &keystore.Record{ID: plainID, Epoch: uint64(i)}, v)
		if seen[v] {
			tb.Fatalf("version %q came twice", v)
		}
		seen[v] = true
	}
}

func testIDs(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	var ids []keystore.ID
	for _, parts := range [][2]string{
		{"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}, {"a", ""}, {"A", "b"}, {"a/", "b"}, {"a", "b/"},
		{"a\x00b", ""}, {"a\x00", "b"}, {"a b", ""}, {"a:b", ""}, {"a|b", ""}, {"{a}b", ""}, {"*", ""}, {"../a", ""},
		{"caf\u00e9", ""}, {"cafe\u0301", ""}, {"a\r\nb", ""}, {strings.Repeat("x", 10_000), ""}, {strings.Repeat("x", 10_001), ""},
	} {
		ids = append(ids, keystore.ID{Issuer: parts[0], JWKSURL: parts[1]})
	}
	if s.bound > 0 {
		ids = ids[:min(len(ids), s.bound)]
	}
	for i, id := range ids {
		mustSave(tb, store, id, &keystore.Record{ID: id, Epoch: uint64(i + 1)}, "")
	}
	for i, id := range ids {
		if rec, _ := mustLoad(tb, store, id); rec.ID != id || rec.Epoch != uint64(i+1) {
			tb.Errorf("ID %d came back as another", i)
		}
	}
}

func spoil(rec *keystore.Record) {
	rec.Document[0], rec.Denied[0], rec.Epoch = 'X', "changed", 99
}

func testSavedIsCopied(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	rec := full(plainID)
	mustSave(tb, store, plainID, rec, "")
	spoil(rec)
	got, _ := mustLoad(tb, store, plainID)
	same(tb, got, full(plainID))
}

func testLoadedIsCopied(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	mustSave(tb, store, plainID, full(plainID), "")
	rec, _ := mustLoad(tb, store, plainID)
	same(tb, rec, full(plainID))
	spoil(rec)
	got, _ := mustLoad(tb, store, plainID)
	same(tb, got, full(plainID))
}

func testContext(tb testing.TB, s *suite) {
	store := s.newStore(tb)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	if _, err := store.Save(ctx, plainID, full(plainID), ""); !errors.Is(err, context.Canceled) {
		tb.Errorf("Save with an ended context: %v", err)
	}
	if _, _, err := store.Load(ctx, plainID); !errors.Is(err, context.Canceled) {
		tb.Errorf("Load with an ended context: %v", err)
	}
	if _, _, err := store.Load(tb.Context(), plainID); !errors.Is(err, keystore.ErrNotFound) {
		tb.Errorf("a save with an ended context left something behind: %v", err)
	}
}

func testNilRecord(tb testing.TB, s *suite) {
	defer func() {
		if r := recover(); r != nil {
			tb.Errorf("Save of nil panicked: %v", r)
		}
	}()
	store := s.newStore(tb)
	if _, err := store.Save(tb.Context(), plainID, nil, ""); err == nil {
		tb.Error("Save of nil succeeded")
	}
	if _, _, err := store.Load(tb.Context(), plainID); !errors.Is(err, keystore.ErrNotFound) {
		tb.Errorf("Save of nil left something behind: %v", err)
	}
}
