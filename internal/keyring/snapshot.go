package keyring

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/keystore"
)

// snapshot is what verification reads. It is immutable.
type snapshot struct {
	set        *jwks.Set       // the usable keys that are not denied
	denied     map[string]bool // kids and thumbprints never accepted
	purged     bool            // the issuer has to confirm the keys first
	generation uint64          // changes with the keys and the denials, not with age

	all     *jwks.Set        // the usable keys of the document
	skipped map[string]bool  // kids of entries that are published but unusable
	defects []string         // why, each reason once
	record  *keystore.Record // nil for static keys
	private bool             // the document holds secrets: it must not be stored
	fetched time.Time        // when the fetch began, by this machine's clock at the latest

	receivedAt   time.Time // with a monotonic reading
	ageAtReceipt time.Duration
	// refreshAge, staleAge and maxAge are the ages at which the states due, stale and
	// expired begin.
	refreshAge, staleAge, maxAge time.Duration
}

// parsed is a document that passed the rules, with the record it came in.
type parsed struct {
	record  *keystore.Record
	set     *jwks.Set
	skipped []jwks.Skipped
}

const never = time.Duration(math.MaxInt64)

// age is the time since the issuer confirmed the keys. The wall clock counts on while a
// machine sleeps, the monotonic one while the wall clock is set back: the larger is right.
func (sn *snapshot) age(now time.Time) time.Duration {
	elapsed := max(now.Sub(sn.receivedAt), now.Round(0).Sub(sn.receivedAt.Round(0)))
	if elapsed > never-sn.ageAtReceipt {
		return never
	}
	return sn.ageAtReceipt + elapsed
}

// usable tells whether the keys may verify anything. A nil snapshot may not.
func (sn *snapshot) usable(now time.Time) bool {
	return sn != nil && !sn.purged && (sn.maxAge == never || sn.age(now) <= sn.maxAge)
}

// due tells whether a refresh should be under way.
func (sn *snapshot) due(now time.Time) bool {
	return sn.refreshAge != never && sn.age(now) >= sn.refreshAge
}

// find returns the one key for alg and kid, or why there is none. Unknown with a kid means
// that the issuer might publish it by now.
func (sn *snapshot) find(alg jws.Algorithm, kid string) (*jws.Key, Code) {
	key, err := sn.set.Candidate(string(alg), kid)
	switch {
	case err == nil:
		return key, 0
	case errors.Is(err, jwks.ErrUnfit):
		return nil, Unusable
	case errors.Is(err, jwks.ErrAmbiguous):
		return nil, Ambiguous
	case sn.denied[kid]:
		return nil, Denied
	case sn.skipped[kid]:
		return nil, Unusable
	default:
		return nil, Unknown
	}
}

// holds tells whether asking the issuer for kid is pointless: its fate is known.
func (sn *snapshot) holds(kid string) bool {
	return sn.denied[kid] || sn.skipped[kid] || sn.set.Has(kid)
}

// install puts an answer in place as the snapshot, unless a newer one of another process has
// come in since the attempt began. The denials in force apply, whenever the document was
// fetched, which is why all of it happens under mu.
func (s *Source) install(doc parsed, began time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, sn := s.snap.Load(), s.build(doc, time.Now())
	if current != nil && current.receivedAt.After(began) && current.newerThan(sn) {
		return false
	}
	s.put(sn)
	return true
}

// put makes sn the snapshot. The caller holds mu.
func (s *Source) put(sn *snapshot) {
	s.snap.Store(sn)
	s.standby = parsed{}
	s.wake()
}

// build makes a snapshot of a document. The caller holds mu.
func (s *Source) build(doc parsed, now time.Time) *snapshot {
	cfg, rec := &s.ring.cfg, doc.record
	sn := &snapshot{
		all: doc.set, record: rec, receivedAt: now, fetched: clamp(rec.FetchedAt, now), generation: 1,
	}
	sn.skip(doc.skipped)
	sn.private = slices.ContainsFunc(doc.skipped, jwks.Skipped.Secret)
	sn.ageAtReceipt = now.Sub(sn.fetched)
	interval := s.ring.interval(rec)
	spread := 0.80 + 0.15*rand.Float64()
	sn.refreshAge = max(time.Duration(spread*float64(interval)), cfg.MinInterval)
	sn.staleAge = 2 * cfg.RefreshInterval
	sn.maxAge = min(positive(rec.UsableFor, cfg.MaxStale), cfg.MaxStale)
	s.filter(sn)
	if old := s.snap.Load(); old != nil {
		sn.generation = old.generation
		if old.purged || old.record == nil || !bytes.Equal(old.record.Document, rec.Document) {
			sn.generation++
		}
	}
	return sn
}

// interval is how long a record is fresh.
func (r *Ring) interval(rec *keystore.Record) time.Duration {
	return min(positive(rec.FreshFor, r.cfg.RefreshInterval), r.cfg.RefreshInterval)
}

// filter applies the denials. The caller holds mu, or nobody else knows the source yet.
func (s *Source) filter(sn *snapshot) {
	sn.denied = make(map[string]bool, len(s.denied)+len(s.denials.keys))
	for _, list := range [][]string{s.denied, s.denials.keys} {
		for _, d := range list {
			sn.denied[d] = true
		}
	}
	sn.set = sn.all.Without(func(kid, thumbprint string) bool {
		if !sn.denied[kid] && !sn.denied[thumbprint] {
			return false
		}
		if kid != "" {
			sn.denied[kid] = true
		}
		return true
	})
	sn.purged = sn.record != nil && sn.record.DocumentEpoch < s.denials.epoch
}

// clamp keeps another machine's fast clock from making a record look newer than now.
func clamp(fetched, now time.Time) time.Time {
	if fetched.After(now) {
		return now
	}
	return fetched
}

// skip notes the entries that are not used.
func (sn *snapshot) skip(skipped []jwks.Skipped) {
	sn.skipped = make(map[string]bool, len(skipped))
	for _, sk := range skipped {
		if sk.KeyID != "" {
			sn.skipped[sk.KeyID] = true
		}
		sn.defects = append(sn.defects, sk.Reason)
	}
	slices.Sort(sn.defects)
	sn.defects = slices.Compact(sn.defects)
}
