//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

// lull is how long a trouble lasts; patience bounds what is waited for.
const (
	lull     = 2 * time.Second
	patience = 20 * time.Second
)

// events is the story. The flood comes last: it shuts the gate for 20 s, within which the
// issuer is asked for nobody.
func events() []*event {
	return []*event{
		{
			name: "Cold start under load", about: "every process starts, and gets 25 requests at once as soon as it listens",
			needed: 1, follows: "first 200", happen: coldStart,
		},
		{
			name: "The issuer changes its signing key", about: "every replica meets the new key at the same moment",
			needed: 1, follows: "new key", happen: rotate,
		},
		{
			name: "An operator revokes the old key", about: "in one process; the issuer goes on publishing it",
			follows: "refused", happen: revoke,
		},
		{
			name: "Redis is killed", about: "SIGKILL, under load",
			happen: func(ctx context.Context, s *stage, _ *result) error {
				err := s.redis.Kill()
				pause(ctx, lull)
				return err
			},
		},
		{
			name: "Now the issuer is down as well", about: "its connections are closed without an answer",
			happen: func(ctx context.Context, s *stage, _ *result) error {
				s.issuer.down.Store(true)
				pause(ctx, lull)
				return nil
			},
		},
		{
			name: "Redis is back, empty", about: "the issuer is still down: only replicas know the keys, and what was revoked",
			happen: heal,
		},
		{
			name: "A replica is replaced while the issuer is down", about: "the last one is killed, and a new process takes its place",
			follows: "first 200", lastFollows: true, happen: replaceOne,
		},
		{
			name: "The issuer is back, with another new key", about: "every replica meets it at the same moment",
			needed: 1, follows: "new key", happen: func(ctx context.Context, s *stage, r *result) error {
				s.issuer.down.Store(false)
				return rotate(ctx, s, r)
			},
		},
		{
			name: "A flood of made-up keys", about: "four callers at every replica send valid claims under random key ids",
			allowed: 4, happen: flood,
		},
	}
}

func coldStart(ctx context.Context, s *stage, _ *result) error {
	token, errs := s.current(), make([]error, len(s.replicas))
	s.each(func(i int) {
		if errs[i] = s.replicas[i].start(ctx, s.env); errs[i] != nil {
			return
		}
		began := time.Now()
		var wg sync.WaitGroup
		var once sync.Once
		for range 25 {
			wg.Go(func() {
				if s.ask(ctx, i, token, valid) == http.StatusOK {
					once.Do(func() { s.followed(i, time.Since(began)) })
				}
			})
		}
		wg.Wait()
	})
	pause(ctx, time.Second) // a second attempt would come about now
	return errors.Join(errs...)
}

func rotate(ctx context.Context, s *stage, _ *result) error {
	_, rotated := s.issuer.Rotate()
	token, minted := s.issuer.Mint(nil)
	if err := errors.Join(rotated, minted); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.until(within, time.Now(), token, valid, http.StatusOK)
	s.use(token)
	pause(ctx, time.Second)
	return nil
}

// oldToken is signed with the first key, which signs no more.
func (s *stage) oldToken() (string, error) {
	first := s.issuer.Keys()[0]
	payload, err := s.issuer.Payload(nil)
	if err != nil {
		return "", err
	}
	return s.issuer.SignWith(first, first.Header(), payload)
}

// revoke is what the command keychorus fleet revoke does.
func revoke(ctx context.Context, s *stage, r *result) error {
	token, err := s.oldToken()
	if err != nil {
		return err
	}
	v, err := verifier.New(policyOf(s.issuer.URL()), verifier.WithKeyStore(s.store))
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	if err := v.Warm(ctx); err != nil { // from Redis: what is denied is also the key itself
		return err
	}
	began := time.Now()
	if err := v.RevokeKey(ctx, s.issuer.URL(), s.issuer.Keys()[0].ID()); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.until(within, began, token, invalid, http.StatusUnauthorized)
	var mu sync.Mutex
	s.each(func(i int) {
		for range 20 {
			if status := s.ask(ctx, i, token, invalid); status == http.StatusOK {
				mu.Lock()
				r.problemf("replica #%d accepts the revoked key after having refused it", i+1)
				mu.Unlock()
			}
		}
	})
	return nil
}

// heal waits until a replica has put back what Redis has lost.
func heal(ctx context.Context, s *stage, r *result) error {
	began := time.Now()
	if err := s.redis.Restart(ctx); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		rec, err := s.stored(within)
		if err == nil && rec != nil {
			r.notef("put back by a replica after %s: %d bytes of keys, %d denials", milliseconds(time.Since(began)), len(rec.Document), len(rec.Denied))
			if !slices.Contains(rec.Denied, s.issuer.Keys()[0].ID()) {
				r.problemf("what was revoked is forgotten")
			}
			pause(ctx, time.Second)
			return nil
		}
		if !pause(within, pace) {
			return fmt.Errorf("no replica has put the record back: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// stored returns the record, or nil if there is none.
func (s *stage) stored(ctx context.Context) (*keystore.Record, error) {
	all, err := s.store.Inspect(ctx, keystore.ID{Issuer: s.issuer.URL()})
	if err != nil {
		return nil, err
	}
	return all[0].Record, nil
}

func replaceOne(ctx context.Context, s *stage, r *result) error {
	last := len(s.replicas) - 1
	if err := s.replicas[last].start(ctx, s.env); err != nil {
		return err
	}
	began := time.Now()
	if status := s.ask(ctx, last, s.current(), valid); status == http.StatusOK {
		s.followed(last, time.Since(began))
	}
	token, err := s.oldToken()
	if err != nil {
		return err
	}
	if status := s.ask(ctx, last, token, invalid); status != http.StatusUnauthorized {
		r.problemf("the new process answers %d to the revoked key", status)
	}
	pause(ctx, lull/2)
	return nil
}

// flood sends tokens whose signatures nobody will look at, as anyone on the internet can.
func flood(ctx context.Context, s *stage, r *result) error {
	payload, err := s.issuer.Payload(nil)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, 2*lull)
	defer cancel()
	var mu sync.Mutex
	sent, accepted := 0, 0
	s.each(func(i int) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for pause(within, 2*time.Millisecond) {
					status := s.ask(within, i, madeUp(payload), invalid)
					mu.Lock()
					sent++
					if status == http.StatusOK {
						accepted++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	r.notef("%d made-up keys were sent", sent)
	if accepted > 0 {
		r.problemf("%d made-up keys were accepted", accepted)
	}
	return nil
}

// madeUp is a token with the claims of a good one, a random key id and a random signature.
func madeUp(payload []byte) string {
	header := fmt.Sprintf(`{"alg":"RS256","typ":"JWT","kid":"%s"}`, rand.Text())
	signature := make([]byte, 256)
	_, _ = rand.Read(signature) // never fails
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + encode(signature)
}
