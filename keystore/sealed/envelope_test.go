package sealed_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// odd returns a record of random fields, extremes among them.
func odd(r *rand.Rand) *keystore.Record {
	text := func() string {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	at := func() time.Time {
		return []time.Time{{}, time.Unix(0, 0), time.Unix(r.Int64(), r.Int64N(1e9)), time.Unix(-r.Int64(), 1)}[r.IntN(4)].UTC()
	}
	rec := &keystore.Record{
		ID: theID, Document: []byte(text()), ResolvedURL: text(), DiscoveredAt: at(), FetchedAt: at(),
		FreshFor: time.Duration(r.Uint64()), UsableFor: time.Duration(r.Uint64()), ETag: text(), LastModified: text(),
		Epoch: r.Uint64(), DocumentEpoch: r.Uint64(), SuspectSince: at(),
	}
	for i := range rec.Suspect {
		rec.Suspect[i] = byte(r.Uint32())
	}
	for range r.IntN(4) {
		rec.Denied = append(rec.Denied, text())
	}
	if len(rec.Document) == 0 {
		rec.Document = nil
	}
	return rec
}

func TestEveryFieldIsSealedAndOpened(t *testing.T) {
	secrets := newSecrets(t, "first")
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range reflect.VisibleFields(reflect.TypeFor[keystore.Record]()) {
		if reflect.ValueOf(*record()).FieldByIndex(f.Index).IsZero() {
			t.Errorf("the record that this package tests with has no %s", f.Name)
		}
	}
	for i := range 2000 {
		want := record()
		if i > 0 {
			want = odd(r)
		}
		envelope, err := sealed.Seal(secrets, namespace, theID, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sealed.Open(secrets, namespace, theID, envelope)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("record %d came back as %+v, %v; want %+v", i, got, err, want)
		}
	}
}

// forgeries calls try with what somebody can make of an envelope without the secret.
func forgeries(envelope []byte, try func(what string, forged []byte)) {
	for i := range envelope {
		for bit := range 8 {
			forged := bytes.Clone(envelope)
			forged[i] ^= 1 << bit
			try("a bit is flipped", forged)
		}
	}
	for i := range envelope {
		try("the end is cut off", envelope[:i])
		try("the beginning is cut off", envelope[i+1:])
		try("a byte is put in", append(append(bytes.Clone(envelope[:i]), 0), envelope[i:]...))
		try("a byte is taken out", append(bytes.Clone(envelope[:i]), envelope[i+1:]...))
	}
	for n := 1; n <= 300; n++ {
		try("something is appended", append(bytes.Clone(envelope), bytes.Repeat([]byte{byte(n)}, n)...))
	}
	try("it is doubled", append(bytes.Clone(envelope), envelope...))
	try("it is too large", append(bytes.Clone(envelope), make([]byte, 2<<20)...))
}

// In virtual time, since a call that the machine delays is given up, and proves nothing here.
func TestNothingThatWasChangedIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		s := newStore(t, b)
		rec := record()
		rec.Document = bytes.Repeat([]byte("k"), 900)
		mustSave(t, s, rec, "")
		name := nameOf(t, s, theID, "set")
		envelope, _ := b.stored(name)
		tried := 0
		forgeries(envelope, func(what string, forged []byte) {
			tried++
			b.put(name, forged, time.Hour)
			if got, v, err := s.Load(t.Context(), theID); got != nil || v == "" || err == nil {
				t.Fatalf("where %s, %+v was loaded, with a version %v, %v", what, got, v != "", err)
			}
		})
		if failures := s.Stats().SealFailures; tried < 10_000 || failures != uint64(tried) {
			t.Errorf("%d of %d forgeries were counted, want all of at least 10,000", failures, tried)
		}
		b.put(name, envelope, time.Hour)
		mustLoad(t, s)
	})
}

// place is all that an envelope is bound to besides its content.
type place struct {
	secret, namespace string
	id                keystore.ID
}

func places() []place {
	issuer, url := theID.Issuer, "https://issuer.example.test/jwks"
	var all []place
	for _, secret := range []string{"first", "second"} {
		for _, ns := range []string{namespace, "other", "keychoru", "keychorush"} {
			for _, id := range []keystore.ID{
				{Issuer: issuer}, {Issuer: issuer, JWKSURL: url}, {JWKSURL: issuer}, {Issuer: url, JWKSURL: issuer},
				{Issuer: issuer + url}, {Issuer: issuer + "/"}, {Issuer: issuer[:len(issuer)-1], JWKSURL: issuer[len(issuer)-1:]},
				{Issuer: strings.ToUpper(issuer)}, {Issuer: issuer + "\x00"}, {},
			} {
				all = append(all, place{secret, ns, id})
			}
		}
	}
	return all
}

func TestNothingIsOpenedInAnotherPlace(t *testing.T) {
	secrets := map[string]*sealed.Secrets{"first": newSecrets(t, "first"), "second": newSecrets(t, "second")}
	for _, from := range places() {
		envelope, err := sealed.Seal(secrets[from.secret], from.namespace, from.id, record())
		if err != nil {
			t.Fatal(err)
		}
		lease := sealed.SealLease(secrets[from.secret], from.namespace, from.id, keystore.Failed, time.Now(), time.Minute)
		for _, to := range places() {
			rec, err := sealed.Open(secrets[to.secret], to.namespace, to.id, envelope)
			if (err == nil) != (from == to) || (rec != nil) != (from == to) {
				t.Errorf("what was sealed for %+v is opened for %+v: %v", from, to, err)
			}
			if _, _, ok := sealed.OpenLease(secrets[to.secret], to.namespace, to.id, lease); ok != (from == to) {
				t.Errorf("the lease for %+v is believed for %+v: %v", from, to, ok)
			}
		}
	}
}

// All names of all places differ, so that a value can only get to another one by force.
func TestPlacesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]place{}
	for _, p := range places() {
		s := newStoreWith(t, newBackend(), newSecrets(t, p.secret), sealed.WithNamespace(p.namespace))
		name := nameOf(t, s, p.id, "set")
		if other, ok := seen[name]; ok {
			t.Errorf("%+v and %+v share the name %q", p, other, name)
		}
		seen[name] = p
		if !strings.HasPrefix(name, p.namespace+":1:{") || strings.Contains(name, "issuer") || len(name) > 150 {
			t.Errorf("%+v has the name %q", p, name)
		}
	}
}

// What is sealed as one thing is never taken for another.
func TestSealsOfOneKindAreNoneOfAnother(t *testing.T) {
	secrets := newSecrets(t, "first")
	envelope, err := sealed.Seal(secrets, namespace, theID, record())
	if err != nil {
		t.Fatal(err)
	}
	body := envelope[:len(envelope)-32]
	for _, label := range []string{sealed.EnvelopeLabel, sealed.LeaseLabel, sealed.HintLabel, "keychorus/once/1", ""} {
		forged := append(bytes.Clone(body), sealed.MAC(secrets, body, label, namespace, theID.Issuer, theID.JWKSURL)...)
		if _, err := sealed.Open(secrets, namespace, theID, forged); (err == nil) != (label == sealed.EnvelopeLabel) {
			t.Errorf("an envelope sealed as %q: %v", label, err)
		}
	}
	lease := sealed.SealLease(secrets, namespace, theID, 0, time.Now(), time.Second)
	if _, err := sealed.Open(secrets, namespace, theID, lease); err == nil {
		t.Error("a lease is opened as a record")
	}
	if _, _, ok := sealed.OpenLease(secrets, namespace, theID, envelope[:len(lease)]); ok {
		t.Error("a piece of a record is believed as a lease")
	}
}

func TestLargeRecordsAreErrors(t *testing.T) {
	s := newStore(t, newBackend())
	for what, rec := range map[string]*keystore.Record{
		"document": {Document: make([]byte, 1<<20+1)},
		"denials":  {Denied: []string{string(make([]byte, 2<<20))}},
	} {
		if v, err := s.Save(t.Context(), theID, rec, ""); err == nil || v != "" {
			t.Errorf("too large a %s was saved: %v", what, err)
		}
	}
	wantError(t, "Load", load(t, s), keystore.ErrNotFound)
}
