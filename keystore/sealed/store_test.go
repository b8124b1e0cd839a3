package sealed_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

func TestNewNamesWhatIsMissing(t *testing.T) {
	secrets := newSecrets(t, "first")
	long := strings.Repeat("n", 65)
	for _, c := range []struct {
		what    string
		backend sealed.Backend
		secrets *sealed.Secrets
		opts    []sealed.Option
		says    []string // none: no error
	}{
		{"all there", newBackend(), secrets, nil, nil},
		{"nil back end", nil, secrets, nil, []string{"Backend"}},
		{"nil pointer to a back end", (*backend)(nil), secrets, nil, []string{"Backend"}},
		{"nil interface in a back end", struct{ sealed.Backend }{}, secrets, nil, nil}, // nobody can tell
		{"nil secrets", newBackend(), nil, nil, []string{"Secrets"}},
		{"empty secrets", newBackend(), &sealed.Secrets{}, nil, []string{"Secrets"}},
		{"nil option", newBackend(), secrets, []sealed.Option{nil}, []string{"Option"}},
		{"all wrong", nil, nil, []sealed.Option{nil, sealed.WithNamespace(""), sealed.WithTimeout(0)}, []string{"Backend", "Secrets", "Option", "WithNamespace", "WithTimeout"}},
		{"shortest namespace", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("n")}, nil},
		{"longest namespace", newBackend(), secrets, []sealed.Option{sealed.WithNamespace(long[1:])}, nil},
		{"every character", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("azAZ09._-")}, nil},
		{"long namespace", newBackend(), secrets, []sealed.Option{sealed.WithNamespace(long)}, []string{"64"}},
		{"namespace with a colon", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("a:b")}, []string{"WithNamespace"}},
		{"namespace with braces", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("{a}")}, []string{"WithNamespace"}},
		{"namespace with a star", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("a*")}, []string{"WithNamespace"}},
		{"namespace with a slash", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("a/b")}, []string{"WithNamespace"}},
		{"namespace beyond ASCII", newBackend(), secrets, []sealed.Option{sealed.WithNamespace("caf\u00e9")}, []string{"WithNamespace"}},
		{"shortest timeout", newBackend(), secrets, []sealed.Option{sealed.WithTimeout(time.Millisecond)}, nil},
		{"longest timeout", newBackend(), secrets, []sealed.Option{sealed.WithTimeout(10 * time.Second)}, nil},
		{"too short a timeout", newBackend(), secrets, []sealed.Option{sealed.WithTimeout(time.Millisecond - 1)}, []string{"WithTimeout"}},
		{"too long a timeout", newBackend(), secrets, []sealed.Option{sealed.WithTimeout(10*time.Second + 1)}, []string{"WithTimeout"}},
		{"negative timeout", newBackend(), secrets, []sealed.Option{sealed.WithTimeout(-1)}, []string{"WithTimeout"}},
	} {
		s, err := sealed.New(c.backend, c.secrets, c.opts...)
		if (err == nil) != (c.says == nil) || (s == nil) != (err != nil) {
			t.Errorf("%s: %v", c.what, err)
		}
		for _, want := range c.says {
			if err != nil && (!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sealed: ")) {
				t.Errorf("%s: the error is %q, want one that names %s", c.what, err, want)
			}
		}
	}
}

// damage is what may be stored where a record should be.
var damage = map[string]func(b *backend, name string){
	"bytes that are none of ours":   func(b *backend, name string) { b.put(name, []byte("forged"), 0) },
	"what stands for a wrong type":  func(b *backend, name string) { b.put(name, wrongType, 0) },
	"an empty value":                func(b *backend, name string) { b.put(name, []byte{}, 0) },
	"an empty value told as nil":    func(b *backend, name string) { b.put(name, nil, 0) },
	"a value like a version prefix": func(b *backend, name string) { b.put(name, []byte("="), 0) },
	"something of a wrong type":     func(b *backend, name string) { b.putWrongType(name) },
	"a value of two megabytes":      func(b *backend, name string) { b.put(name, make([]byte, 2<<20), 0) },
	"the record of another key set": func(b *backend, name string) { b.put(name, sealedBy("first", namespace, otherID), 0) },
	"the record of another fleet":   func(b *backend, name string) { b.put(name, sealedBy("second", namespace, theID), 0) },
	"that of another namespace":     func(b *backend, name string) { b.put(name, sealedBy("first", "other", theID), 0) },
}

// sealedBy returns a record that somebody else has sealed.
func sealedBy(secret, namespace string, id keystore.ID) []byte {
	secrets, err := sealed.NewSecrets(phrase(secret))
	if err != nil {
		panic(err)
	}
	envelope, err := sealed.Seal(secrets, namespace, id, record())
	if err != nil {
		panic(err)
	}
	return envelope
}

func TestDamageIsToldLeftAndSavedOver(t *testing.T) {
	for what, do := range damage {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			name := nameOf(t, s, theID, "set")
			do(b, name)
			before := b.values[name]
			rec, v, err := s.Load(t.Context(), theID)
			if rec != nil || v == "" || !errors.Is(err, keystore.ErrUnusable) {
				t.Errorf("%s: %+v, with a version %v, %v; want ErrUnusable and a version", what, rec, v != "", err)
			}
			if now := b.values[name]; string(now.value) != string(before.value) || now.wrong != before.wrong {
				t.Errorf("%s: looking at it changed it", what)
			}
			if n := s.Stats().SealFailures; n != 1 {
				t.Errorf("%s: %d seal failures, want 1", what, n)
			}
			_, err = s.Save(t.Context(), theID, record(), "")
			wantError(t, what+": saving over nothing", err, keystore.ErrConflict)
			_, err = s.Save(t.Context(), theID, record(), v+"x")
			wantError(t, what+": saving over something else", err, keystore.ErrConflict)
			saved := mustSave(t, s, record(), v)
			if _, v := mustLoad(t, s); v != saved {
				t.Errorf("%s: what was saved over it has another version", what)
			}
		})
	}
}

// Expiry clears away what nobody uses any more, long after it was usable.
func TestRecordsAreKeptForAsLongAsTheyMatter(t *testing.T) {
	const day = 24 * time.Hour
	for what, c := range map[string]struct {
		rec  keystore.Record
		kept time.Duration
	}{
		"usable for an hour":       {keystore.Record{UsableFor: time.Hour}, day},
		"usable for a week":        {keystore.Record{UsableFor: 7 * day}, 7 * day},
		"never usable":             {keystore.Record{UsableFor: -1}, day},
		"with a denial":            {keystore.Record{UsableFor: time.Hour, Denied: []string{"kid"}}, 90 * day},
		"purged":                   {keystore.Record{UsableFor: time.Hour, Epoch: 1}, 90 * day},
		"with a denial, for years": {keystore.Record{UsableFor: 1000 * day, Denied: []string{"kid"}}, 1000 * day},
	} {
		bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
			mustSave(t, s, &c.rec, "")
			if _, left := b.stored(nameOf(t, s, theID, "set")); left != c.kept {
				t.Errorf("a record that is %s is kept for %v, want %v", what, left, c.kept)
			}
			time.Sleep(c.kept)
			wantError(t, "Load", load(t, s), keystore.ErrNotFound)
		})
	}
}

func TestReadingGoesOnWhereWritingIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		v := mustSave(t, s, record(), "")
		b.set(func() { b.refuseWrites = true })
		for range 10 {
			_, err := s.Save(t.Context(), theID, record(), v)
			wantError(t, "Save", err, keystore.ErrUnavailable)
			_, _, err = s.TryLease(t.Context(), theID)
			wantError(t, "TryLease", err, keystore.ErrUnavailable)
			mustLoad(t, s)
		}
	})
}

func TestInspectShowsAllAndChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		before := newStoreWith(t, b, newSecrets(t, "old"))
		mustSave(t, before, record(), "")
		end(t, mustClaim(t, before), keystore.Failed, time.Minute)
		s := newStoreWith(t, b, newSecrets(t, "new", "old", "older"))
		name := nameOf(t, s, theID, "set")
		b.put(name, []byte("forged"), 0)
		calls := b.swaps
		all, err := s.Inspect(t.Context(), theID)
		if err != nil || len(all) != 3 {
			t.Fatalf("%d entries, %v; want 3", len(all), err)
		}
		current, previous, older := all[0], all[1], all[2]
		if !current.Primary || current.Record != nil || !errors.Is(current.Err, keystore.ErrUnusable) || current.Bytes != 6 || current.Leased {
			t.Errorf("the forged one: %+v", current)
		}
		if previous.Primary || previous.Record == nil || previous.Err != nil || previous.Left != 90*24*time.Hour ||
			!previous.Leased || previous.Lease != (keystore.Hold{Outcome: keystore.Failed, Left: time.Minute}) {
			t.Errorf("that of the previous secret: %+v", previous)
		}
		if older.Record != nil || !errors.Is(older.Err, keystore.ErrNotFound) || older.Bytes != 0 || older.Leased {
			t.Errorf("the one that is not there: %+v", older)
		}
		if current.Secret == previous.Secret || !strings.Contains(current.Name, current.Secret) {
			t.Errorf("ids %q and %q, name %q", current.Secret, previous.Secret, current.Name)
		}
		if b.swaps != calls || s.Stats() != (sealed.Stats{}) {
			t.Errorf("inspecting wrote or counted: %+v", s.Stats())
		}
		b.down = true
		_, err = s.Inspect(t.Context(), theID)
		wantError(t, "Inspect", err, keystore.ErrUnavailable)
	})
}

// Errors may be logged: they carry nothing of what is stored, nor an address.
func TestErrorsTellNoContent(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend, s *sealed.Store) {
		b.put(nameOf(t, s, theID, "set"), []byte("forged content"), 0)
		b.set(func() { b.refuseWrites = true })
		var all []error
		for _, call := range operations(s) {
			all = append(all, call(t.Context()))
		}
		b.set(func() { b.down = true })
		for range 5 {
			for _, call := range operations(s) {
				all = append(all, call(t.Context()))
			}
		}
		text := errors.Join(all...).Error()
		for _, bad := range []string{"forged", "https:", "{", "example"} {
			if strings.Contains(text, bad) {
				t.Errorf("errors tell of %q: %s", bad, text)
			}
		}
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "sealed: ") && !strings.HasPrefix(line, "keystore: ") {
				t.Errorf("error %q does not say where it comes from", line)
			}
		}
	})
}
