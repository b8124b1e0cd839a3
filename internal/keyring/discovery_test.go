package keyring_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// Metadata and keys fail apart: without an address there are no keys, with one there are.
func TestAnAddressOutlivesItsMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		answer := func(url string, err error) {
			f.change(func() { f.discoverer = func() (string, error) { return url, err } })
		}
		answer("", errDown)
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", keyring.Unavailable)
		wantFetches(t, f, 0)
		if got := s.LastProblem(); got != errDown.Error() {
			t.Errorf("problem %q", got)
		}
		answer(issuerURL+"/one", nil)
		f.change(func() { f.etag = "e" })
		time.Sleep(30 * time.Second)
		wantCode(t, s, "a", 0)
		answer("", errDown)
		time.Sleep(2 * time.Hour) // the address is looked up again each hour, in vain
		wantCode(t, s, "a", 0)
		settle()
		if r := f.request(-1); r.URL != issuerURL+"/one" {
			t.Errorf("asked at %q", r.URL)
		}
		if s.LastProblem() != "" || s.Health().Problem != "" {
			t.Errorf("problem %q, health %q", s.LastProblem(), s.Health().Problem)
		}
	})
}

// Keys that have moved are looked up at once, and what was known of the old place is forgotten.
func TestAnAddressThatIsGoneIsLookedUp(t *testing.T) {
	for status, again := range map[int]bool{404: true, 410: true, 403: false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeIssuer("a")
			url := issuerURL + "/one"
			f.change(func() {
				f.etag = "e"
				f.discoverer = func() (string, error) { return url, nil }
			})
			s := source(t, &moved{f, status}, keyring.Config{})
			wantCode(t, s, "a", 0)
			f.change(func() { url = issuerURL + "/two" })
			for end := time.Now().Add(6 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Second) {
				wantCode(t, s, "a", 0)
			}
			settle()
			last := f.request(-1)
			if found := last.URL == issuerURL+"/two"; found != again || again && s.Health().Age > 5*time.Minute {
				t.Errorf("%d: asked at %q, health %+v", status, last.URL, s.Health())
			}
			first := slices.IndexFunc(f.requests, func(r jwks.Request) bool { return r.URL == issuerURL+"/two" })
			if again && (first < 0 || f.requests[first].ETag != "") {
				t.Errorf("%d: validators of one address were sent to another: %+v", status, f.requests)
			}
		})
	}
}

// moved is an issuer whose keys are where its metadata says, and gone from elsewhere.
type moved struct {
	*fakeIssuer

	status int
}

func (m *moved) Fetch(ctx context.Context, r jwks.Request) (*jwks.Answer, error) {
	answer, err := m.fakeIssuer.Fetch(ctx, r)
	if where, _ := m.discoverer(); where != r.URL {
		return nil, &jwks.FetchError{Code: jwks.Status, Status: m.status}
	}
	return answer, err
}

// A store that hands out what was not asked for is not believed, and the issuer is asked.
func TestRecordsOfOthersAreNotUsed(t *testing.T) {
	for name, rec := range map[string]*keystore.Record{
		"none": nil, "another issuer's": {
			ID: keystore.ID{Issuer: "https://else.test"}, Document: document("forged"), FetchedAt: time.Unix(1<<32, 0), Denied: []string{"a"},
		},
		"no JWK Set": {ID: issuerID, Document: []byte("{}"), FetchedAt: time.Unix(1<<32, 0), Denied: []string{"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, store := newFakeIssuer("a", "b"), &troubledStore{KeyStore: memory.New()}
				store.spoil(func(context.Context) (*keystore.Record, keystore.Version, error) { return rec, "1", nil },
					func(context.Context) (keystore.Version, error) { return "2", nil })
				s := source(t, f, keyring.Config{}, store)
				wantCode(t, s, "a", 0)
				wantCode(t, s, "forged", keyring.Unknown)
				want := keyring.Code(0)
				if rec != nil && rec.ID == issuerID {
					want = keyring.Denied // denials count, whatever else is stored with them
				}
				wantCode(t, s, "b", want)
			})
		})
	}
}
