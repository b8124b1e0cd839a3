package sealed_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// sealSize is the size of an HMAC-SHA256.
const sealSize = 32

// FuzzEnvelope reads the input as an envelope, which must fail, and as the body of one whose
// seal holds, which must come out as it went in or fail.
func FuzzEnvelope(f *testing.F) {
	secrets := newSecrets(f, "first")
	for _, rec := range []*keystore.Record{record(), {ID: theID}, {Denied: make([]string, 70)}} {
		envelope, err := sealed.Seal(secrets, namespace, theID, rec)
		if err != nil {
			f.Fatal(err)
		}
		body := envelope[:len(envelope)-sealSize]
		f.Add(body)
		f.Add(body[:len(body)-1])
		f.Add(append(bytes.Clone(body), 0))
		lying := bytes.Clone(body)
		binary.BigEndian.PutUint32(lying[len(lying)-4:], 1<<31)
		f.Add(lying)
		late := bytes.Clone(body) // the nanoseconds of the first time are more than a second
		binary.BigEndian.PutUint32(late[4+8+8:], 2_000_000_000)
		f.Add(late)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if rec, err := sealed.Open(secrets, namespace, theID, body); err == nil || rec != nil {
			t.Fatalf("without the secret somebody made an envelope: %x", body)
		}
		rec, err := sealed.DecodeBody(secrets, theID, body)
		if err != nil {
			if rec != nil {
				t.Error("an error comes with a record")
			}
			return
		}
		if size := len(rec.Document) + 16*cap(rec.Denied); size > 16*len(body) {
			t.Errorf("a body of %d bytes became %d", len(body), size)
		}
		envelope, err := sealed.Seal(secrets, namespace, theID, rec)
		if err != nil {
			return // larger than what is sealed
		}
		if !bytes.Equal(envelope[:len(envelope)-sealSize], body) {
			t.Errorf("two bodies are one record: %x and %x", envelope[:len(envelope)-sealSize], body)
		}
	})
}

// FuzzLease is FuzzEnvelope for leases.
func FuzzLease(f *testing.F) {
	secrets := newSecrets(f, "first")
	for _, o := range []keystore.Outcome{0, keystore.Useful, keystore.Abandoned, 200} {
		lease := sealed.SealLease(secrets, namespace, theID, o, time.Now(), time.Minute)
		f.Add(lease[:len(lease)-sealSize])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, _, ok := sealed.OpenLease(secrets, namespace, theID, body); ok {
			t.Fatalf("without the secret somebody made a lease: %x", body)
		}
		if o, life, ok := sealed.DecodeLease(body); ok && (o > keystore.Abandoned || life < 0) {
			t.Errorf("a lease has outcome %d and a life of %v", o, life)
		}
	})
}

// FuzzMessage reads the input as an announcement, alone and with a seal that holds.
func FuzzMessage(f *testing.F) {
	secrets := newSecrets(f, "first")
	s := newStoreWith(f, newBackend(), secrets)
	envelope, err := sealed.Seal(secrets, namespace, theID, record())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(theID.Issuer, "", append(head(theID), envelope...))
	f.Add(theID.Issuer, "x", head(theID))
	f.Add("", "", []byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3})
	f.Add("", "", []byte{0x80, 0, 0, 0})
	f.Fuzz(func(t *testing.T, issuer, url string, msg []byte) {
		if e, ok := s.ReadMessage(msg); ok && !bytes.Equal(msg, append(head(theID), envelope...)) {
			t.Fatalf("without the secret somebody announced %+v: %x", e, msg)
		}
		id := keystore.ID{Issuer: issuer, JWKSURL: url}
		hint := append(head(id), sealed.MAC(secrets, nil, sealed.HintLabel, namespace, issuer, url)...)
		if e, ok := s.ReadMessage(hint); len(hint) < 32<<10 && (!ok || e.ID != id || e.Record != nil) {
			t.Errorf("a hint for %q was read as %+v, %v", id, e, ok)
		}
	})
}

// head is how a message begins.
func head(id keystore.ID) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(id.Issuer)))
	b = binary.BigEndian.AppendUint32(append(b, id.Issuer...), uint32(len(id.JWKSURL)))
	return append(b, id.JWKSURL...)
}

// Lengths that lie cost nothing, whether they are read before a seal or after one.
func TestLengthsThatLieAllocateNothing(t *testing.T) {
	secrets := newSecrets(t, "first")
	s := newStoreWith(t, newBackend(), secrets)
	envelope, err := sealed.Seal(secrets, namespace, theID, record())
	if err != nil {
		t.Fatal(err)
	}
	body := envelope[:len(envelope)-sealSize]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tries := 0
	for _, length := range []uint32{1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for i := range len(body) - 3 {
			lying := bytes.Clone(body)
			binary.BigEndian.PutUint32(lying[i:], length)
			_, _ = sealed.DecodeBody(secrets, theID, lying)
			_, _ = s.ReadMessage(lying[i:])
			_, _ = s.ReadMessage(append(bytes.Clone(lying[i:]), envelope...))
			tries++
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / uint64(tries); per > 16<<10 {
		t.Errorf("reading %d bytes with a length that lies allocates %d, on average", len(body), per)
	}
}
