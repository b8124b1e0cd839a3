package keyring

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/keystore"
)

// errNoUsableKeys is an answer that holds no key to verify with.
var errNoUsableKeys = errors.New("keyring: the issuer publishes no usable key")

// attempt asks the issuer and adopts its answer. The record returned is worth saving, also
// with an error; nil if there is none.
func (s *Source) attempt(ctx context.Context, asked string) (*keystore.Record, error) {
	began := time.Now()
	draft := s.draft(began)
	unconditional := s.unconditional(asked, began)
	answer, err := s.ask(ctx, draft, unconditional)
	if err != nil && temporary(err) && pause(ctx, 100*time.Millisecond+rand.N(200*time.Millisecond)) {
		answer, err = s.ask(ctx, draft, unconditional)
	}
	if err != nil {
		return nil, err
	}
	return s.accept(draft, answer, began)
}

// draft is the record that a successful attempt will leave: the current one, re-dated.
func (s *Source) draft(began time.Time) *keystore.Record {
	rec := &keystore.Record{ID: s.id, ResolvedURL: s.id.JWKSURL}
	if snap := s.snap.Load(); snap != nil && snap.record != nil {
		*rec = *snap.record
	}
	rec = s.stamped(rec) // before the fetch: its answer cannot know of a later purge
	rec.FetchedAt = began.Round(0).UTC()
	rec.FreshFor, rec.UsableFor = s.ring.cfg.RefreshInterval, s.ring.cfg.MaxStale
	return rec
}

// unconditional tells whether to do without validators: when there are no usable keys, when
// a new key is looked for, or when it is time not to trust a 304.
func (s *Source) unconditional(asked string, now time.Time) bool {
	snap := s.snap.Load()
	if asked == "" && now.Sub(s.unconditionalAt) < unconditionalInterval && snap.usable(now) {
		return false
	}
	s.unconditionalAt = now
	return true
}

// ask finds the address of the keys if that is not known well enough, and fetches them. An
// address that is gone is looked up again at once.
func (s *Source) ask(ctx context.Context, draft *keystore.Record, unconditional bool) (*jwks.Answer, error) {
	fetch := func() (*jwks.Answer, error) {
		r := jwks.Request{URL: draft.ResolvedURL, NoCache: unconditional}
		if !unconditional {
			r.ETag, r.LastModified = draft.ETag, draft.LastModified
		}
		return s.fetch.Fetch(ctx, r)
	}
	discovered := s.id.JWKSURL == ""
	if discovered && time.Since(draft.DiscoveredAt) >= discoveryInterval {
		if err := s.discover(ctx, draft); err != nil {
			return nil, err
		}
	}
	answer, err := fetch()
	if gone(err) && discovered && time.Since(draft.DiscoveredAt) >= rediscoverAfter {
		if err := s.discover(ctx, draft); err != nil {
			return nil, err
		}
		answer, err = fetch()
	}
	return answer, err
}

// discover looks up the address of the keys. An address known before outlives a failure:
// metadata and keys may fail apart.
func (s *Source) discover(ctx context.Context, draft *keystore.Record) error {
	limit := s.ring.cfg.FetchTimeout
	if draft.ResolvedURL != "" {
		limit /= 2
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	url, err := s.fetch.Discover(ctx)
	if err != nil {
		if draft.ResolvedURL != "" {
			return nil
		}
		return err
	}
	if url != draft.ResolvedURL { // validators belong to an address
		draft.ETag, draft.LastModified = "", ""
	}
	draft.ResolvedURL, draft.DiscoveredAt = url, time.Now().Round(0).UTC()
	return nil
}

// accept validates an answer before it replaces anything.
func (s *Source) accept(draft *keystore.Record, answer *jwks.Answer, began time.Time) (*keystore.Record, error) {
	cfg := &s.ring.cfg
	if answer.HasFreshFor {
		draft.FreshFor = min(max(answer.FreshFor, cfg.MinInterval), cfg.RefreshInterval)
	}
	if !answer.NotModified {
		draft.Document = answer.Document
		draft.ETag, draft.LastModified = answer.ETag, answer.LastModified
	}
	set, skipped, err := jwks.Parse(draft.Document)
	if err != nil {
		return nil, err
	}
	if set.Len() == 0 && !s.believed(draft) {
		return s.suspect(draft), errNoUsableKeys
	}
	draft.Suspect, draft.SuspectSince = [32]byte{}, time.Time{}
	draft.DocumentEpoch = draft.Epoch
	s.mu.Lock()
	s.answered = began
	s.mu.Unlock()
	installed := s.install(parsed{draft, set, skipped}, began)
	if !installed || slices.ContainsFunc(skipped, jwks.Skipped.Secret) {
		return nil, nil // nothing secret goes where others can read it
	}
	return draft, nil
}

// believed tells whether the issuer has said for long enough that it has no keys.
func (s *Source) believed(draft *keystore.Record) bool {
	return draft.Suspect == sha256.Sum256(draft.Document) &&
		draft.FetchedAt.Sub(draft.SuspectSince) >= suspicionTime
}

// suspect remembers an answer without usable keys in a copy of the record that stays. It
// returns that record if it is news.
func (s *Source) suspect(draft *keystore.Record) *keystore.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := s.suspectLocked(sha256.Sum256(draft.Document), draft.FetchedAt)
	if rec == nil || s.snap.Load().private {
		return nil
	}
	return rec
}

// suspectLocked is suspect for whoever holds mu.
func (s *Source) suspectLocked(hash [sha256.Size]byte, since time.Time) *keystore.Record {
	snap := s.snap.Load()
	if snap == nil || snap.record == nil || snap.record.Suspect == hash {
		return nil
	}
	rec, sn := *snap.record, *snap
	rec.Suspect, rec.SuspectSince = hash, since
	sn.record = &rec
	s.snap.Store(&sn)
	return &rec
}

func temporary(err error) bool {
	var fe *jwks.FetchError
	return errors.As(err, &fe) && fe.Temporary()
}

func gone(err error) bool {
	var fe *jwks.FetchError
	return errors.As(err, &fe) && (fe.Status == http.StatusNotFound || fe.Status == http.StatusGone)
}
