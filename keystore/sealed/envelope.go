package sealed

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// An envelope is a record as bytes: a head of fixed length, the strings of the record with
// their lengths, and an HMAC-SHA256 over the namespace, the ID and all of it. Whoever may
// write to the back end can so neither make nor change nor move one.
const (
	envelopeMagic = "KCR\x01" // the last byte is the version of the format
	envelopeLabel = "keychorus/envelope/1"
	// maxDocument is twice what an issuer may send.
	maxDocument = 1 << 20
	// maxEnvelope leaves room for 64 denials, addresses and validators.
	maxEnvelope = maxDocument + 256<<10
)

var errSeal = errors.New("sealed: the seal does not hold")

// seal returns rec as an envelope.
func (s *secret) seal(namespace string, id keystore.ID, rec *keystore.Record) ([]byte, error) {
	if len(rec.Document) > maxDocument {
		return nil, fmt.Errorf("sealed: the document has %d bytes: at most %d", len(rec.Document), maxDocument)
	}
	b := make([]byte, 0, 512+len(rec.Document))
	b = append(b, envelopeMagic...)
	b = append(b, s.id[:]...)
	for _, t := range []time.Time{rec.FetchedAt, rec.DiscoveredAt, rec.SuspectSince} {
		b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
		b = binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
	}
	for _, n := range []uint64{uint64(rec.FreshFor), uint64(rec.UsableFor), rec.Epoch, rec.DocumentEpoch} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(b, rec.Suspect[:]...)
	for _, text := range []string{rec.ResolvedURL, rec.ETag, rec.LastModified} {
		b = appendString(b, text)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(rec.Denied)))
	for _, d := range rec.Denied {
		b = appendString(b, d)
	}
	b = appendString(b, string(rec.Document))
	b = append(b, s.mac(b, envelopeLabel, namespace, id.Issuer, id.JWKSURL)...)
	if len(b) > maxEnvelope {
		return nil, fmt.Errorf("sealed: the record has %d bytes: at most %d", len(b), maxEnvelope)
	}
	return b, nil
}

// open returns the record in an envelope. No length in it is believed before the seal holds.
func (s *secret) open(namespace string, id keystore.ID, envelope []byte) (*keystore.Record, error) {
	if len(envelope) > maxEnvelope || len(envelope) < macSize {
		return nil, errSeal
	}
	body, mac := envelope[:len(envelope)-macSize], envelope[len(envelope)-macSize:]
	if !hmac.Equal(mac, s.mac(body, envelopeLabel, namespace, id.Issuer, id.JWKSURL)) {
		return nil, errSeal
	}
	return decode(id, s.id, body)
}

// decode reads the body of an envelope whose seal holds.
func decode(id keystore.ID, secretID [secretIDSize]byte, body []byte) (*keystore.Record, error) {
	r := reader{rest: body}
	rec := &keystore.Record{ID: id}
	if string(r.take(uint32(len(envelopeMagic)))) != envelopeMagic || string(r.take(secretIDSize)) != string(secretID[:]) {
		return nil, errSeal
	}
	for _, t := range []*time.Time{&rec.FetchedAt, &rec.DiscoveredAt, &rec.SuspectSince} {
		*t = r.time()
	}
	rec.FreshFor, rec.UsableFor = time.Duration(r.uint64()), time.Duration(r.uint64())
	rec.Epoch, rec.DocumentEpoch = r.uint64(), r.uint64()
	copy(rec.Suspect[:], r.take(uint32(len(rec.Suspect))))
	for _, text := range []*string{&rec.ResolvedURL, &rec.ETag, &rec.LastModified} {
		*text = string(r.bytes())
	}
	for n := r.uint32(); n > 0 && !r.short; n-- {
		rec.Denied = append(rec.Denied, string(r.bytes()))
	}
	rec.Document = append([]byte(nil), r.bytes()...)
	if r.short || len(r.rest) > 0 {
		return nil, errSeal
	}
	return rec, nil
}

// appendString appends a text with its length.
func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// reader takes bytes from the front; short says that there were too few.
type reader struct {
	rest  []byte
	short bool
}

// take returns the next n bytes, all zero if there are fewer. n may be what an attacker wrote,
// where int has 32 bits.
func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.rest, r.short = nil, true
		return make([]byte, min(n, 64))
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }
func (r *reader) bytes() []byte  { return r.take(r.uint32()) }

func (r *reader) time() time.Time {
	seconds, nanos := int64(r.uint64()), r.uint32()
	if nanos >= uint32(time.Second) {
		r.short = true
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}
