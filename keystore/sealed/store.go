package sealed

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/keychorus/keychorus/keystore"
)

const (
	// keepFor is how long a record is kept at least: expiry only clears away what nobody
	// uses any more, and judges nothing.
	keepFor = 24 * time.Hour
	// keepDenials is the same for a record with something that must not be forgotten.
	keepDenials = 90 * 24 * time.Hour
)

// Store makes a [Backend] a [keystore.KeyStore], a [keystore.Coordinator] and a
// [keystore.Replay]. It owns no goroutine but those of calls that the back end has not yet
// answered, so there is nothing to close. It is safe for concurrent use.
type Store struct {
	backend   Backend
	secrets   *Secrets
	namespace string
	timeout   time.Duration
	calls     *guard // of records and leases
	pushes    *guard // of announcements: they may hang where the rest works
	uses      *guard // of Once, which must not be starved by them, nor starve them
	heard     heard
	claims    claims
	counts    counts
	meters    metric.MeterProvider
}

var (
	_ keystore.KeyStore    = (*Store)(nil)
	_ keystore.Coordinator = (*Store)(nil)
	_ keystore.Replay      = (*Store)(nil)
)

// New returns a store over b that seals with secrets. It does no I/O. A nil back end or nil
// secrets and malformed options are errors: there is no way to store without a seal.
func New(b Backend, secrets *Secrets, opts ...Option) (*Store, error) {
	s := &Store{backend: b, secrets: secrets, namespace: defaultNamespace, timeout: defaultTimeout}
	var problems []error
	if isNil(b) {
		problems = append(problems, errors.New("sealed: the Backend is nil"))
	}
	if secrets == nil || len(secrets.ring) == 0 {
		problems = append(problems, errors.New("sealed: the Secrets are nil: make them with NewSecrets"))
	}
	for _, o := range opts {
		if o == nil {
			problems = append(problems, errors.New("sealed: an Option is nil"))
			continue
		}
		if err := o.apply(s); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	s.calls, s.pushes, s.uses = newGuard(s.timeout, callsInFlight), newGuard(s.timeout, callsInFlight), newGuard(s.timeout, usesInFlight)
	s.observe()
	return s, nil
}

// isNil also finds a nil pointer in an interface.
func isNil(b Backend) bool {
	v := reflect.ValueOf(b)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice:
		return v.IsNil()
	default:
		return false
	}
}

// stored is what the back end has under one name.
type stored struct {
	rec     *keystore.Record // nil unless its seal holds
	value   []byte
	present bool
}

func (s stored) version() keystore.Version {
	if !s.present {
		return ""
	}
	return versionOf(s.value)
}

// versionPrefix tells an empty value, which anybody may have put there, from nothing.
const versionPrefix = "="

// versionOf names stored bytes: a save is over the very bytes that were read.
func versionOf(value []byte) keystore.Version { return keystore.Version(versionPrefix + string(value)) }

// bytesOf returns the bytes that v names, nil for nothing. What no store named is stored nowhere.
func bytesOf(v keystore.Version) []byte {
	if v == "" {
		return nil
	}
	return []byte(v)[len(versionPrefix):]
}

// read returns what is stored under the name of one secret. The error is never about content.
func (s *Store) read(ctx context.Context, id keystore.ID, sec *secret) (stored, error) {
	value, _, err := s.get(ctx, s.calls, "load", s.name(sec, id, kindSet))
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return stored{}, nil
	case errors.Is(err, keystore.ErrUnusable):
		s.counts.sealFailures.Add(1)
		return stored{value: value, present: true}, nil
	case err != nil:
		return stored{}, err
	}
	found := stored{value: value, present: true}
	if found.rec, err = sec.open(s.namespace, id, value); err != nil {
		s.counts.sealFailures.Add(1) // found without a record says so
	}
	return found, nil
}

type entry struct {
	value []byte
	left  time.Duration
}

func (s *Store) get(ctx context.Context, g *guard, what, name string) ([]byte, time.Duration, error) {
	e, err := call(ctx, g, what, func(ctx context.Context) (entry, error) {
		value, left, err := s.backend.Get(ctx, name)
		if value == nil {
			value = []byte{} // nil would stand for nothing
		}
		return entry{value, left}, err
	})
	return e.value, e.left, err
}

func (s *Store) swap(ctx context.Context, g *guard, what, name string, old, value []byte, ttl time.Duration) error {
	_, err := call(ctx, g, what, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.backend.Swap(ctx, name, old, value, ttl)
	})
	return err
}

// Load implements [keystore.KeyStore]. What is stored under the name of a previous secret
// counts too: the newer document and the denials of all are put under the primary name on
// the way. A record whose seal does not hold is ErrUnusable; it is left where it is.
func (s *Store) Load(ctx context.Context, id keystore.ID) (*keystore.Record, keystore.Version, error) {
	primary := &s.secrets.ring[0]
	current, err := s.read(ctx, id, primary)
	if err != nil {
		return nil, "", err
	}
	best := current.rec
	for i := range s.secrets.ring[1:] {
		previous, err := s.read(ctx, id, &s.secrets.ring[1+i])
		if err != nil {
			return nil, "", err
		}
		best = merge(best, previous.rec)
	}
	version := current.version()
	if best != current.rec {
		if again, err := s.put(ctx, id, best, version); err == nil {
			version = again
		}
	}
	switch {
	case best != nil:
		s.heard.news(id, []byte(version))
		return best, version, nil
	case current.present:
		return nil, version, keystore.ErrUnusable
	default:
		return nil, "", keystore.ErrNotFound
	}
}

// merge returns the record with the newer document and the denials of both; a if b adds
// nothing.
func merge(a, b *keystore.Record) *keystore.Record {
	switch {
	case b == nil:
		return a
	case a == nil:
		return b
	}
	newer := b.DocumentEpoch > a.DocumentEpoch || b.DocumentEpoch == a.DocumentEpoch && b.FetchedAt.After(a.FetchedAt)
	missing := slices.ContainsFunc(b.Denied, func(d string) bool { return !slices.Contains(a.Denied, d) })
	if !newer && !missing && b.Epoch <= a.Epoch {
		return a
	}
	c := *a
	if newer {
		c = *b
	}
	c.Denied = slices.Concat(a.Denied, b.Denied)
	slices.Sort(c.Denied)
	c.Denied = slices.Compact(c.Denied)
	c.Epoch = max(a.Epoch, b.Epoch)
	return &c
}

// Save implements [keystore.KeyStore], and announces what it saved. A document larger than
// 1 MiB is an error. The announcement may get lost; it only makes changes arrive sooner.
func (s *Store) Save(
	ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version,
) (keystore.Version, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("sealed: save: %w", err)
	}
	if rec == nil {
		return "", errors.New("sealed: save: the record is nil")
	}
	version, err := s.put(ctx, id, rec, base)
	if err == nil {
		s.announce(ctx, id, bytesOf(version))
	}
	return version, err
}

// put stores a record under the primary name.
func (s *Store) put(
	ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version,
) (keystore.Version, error) {
	primary := &s.secrets.ring[0]
	envelope, err := primary.seal(s.namespace, id, rec)
	if err != nil {
		return "", err
	}
	ttl := max(rec.UsableFor, keepFor)
	if len(rec.Denied) > 0 || rec.Epoch > 0 {
		ttl = max(ttl, keepDenials)
	}
	if err := s.swap(ctx, s.calls, "save", s.name(primary, id, kindSet), bytesOf(base), envelope, ttl); err != nil {
		return "", err
	}
	return versionOf(envelope), nil
}

// counts are what [Store.Stats] reports.
type counts struct{ sealFailures, dropped, takenOver atomic.Uint64 }

// Stats is what a [Store] has met since it was made.
type Stats struct {
	// SealFailures counts stored values that were not believed: forged, damaged, moved, or
	// of the wrong type. In a healthy fleet it stays 0, also while secrets are changed.
	SealFailures uint64
	// DroppedMessages counts announcements that were not believed.
	DroppedMessages uint64
	// LeasesTakenOver counts leases that were not believed, or that outlived their time.
	LeasesTakenOver uint64
	// Resting says that the back end fails and is given a rest.
	Resting bool
}

// Stats returns the counts. It does no I/O.
func (s *Store) Stats() Stats {
	return Stats{
		SealFailures: s.counts.sealFailures.Load(), DroppedMessages: s.counts.dropped.Load(),
		LeasesTakenOver: s.counts.takenOver.Load(), Resting: s.calls.resting() || s.uses.resting(),
	}
}
