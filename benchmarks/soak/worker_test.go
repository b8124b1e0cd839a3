package soak_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// Of a thousand tokens so many are RSA tokens without a cache, and so many are bad. Of the
// others, one in newEvery is new; the rest has been seen before.
const (
	rsaShare, badShare = 100, 10
	newEvery           = 5
)

// worker verifies one token after the other.
type worker struct {
	*subject

	r      *rand.Rand
	ring   []token  // what clients hold
	rsa    []string // good tokens of the single issuer
	serial int64
	// leaveEvery and rotateEvery steps, tenants and keys change; 0 for never.
	leaveEvery, rotateEvery int
	steps                   int

	verified, minted, late, refused, left, rotated int
	err                                            error // the first answer that is wrong
}

func (w *worker) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// customerOf draws one of the tenants.
func (w *worker) customerOf() int64 { return w.first.Load() + w.r.Int64N(int64(len(w.generations))) }

// renew puts a new token in a place of the ring.
func (w *worker) renew(i int) {
	w.serial++
	w.minted++
	t, err := w.mint(w.customerOf(), w.serial)
	if err != nil {
		w.fail("minting: %w", err)
	}
	w.ring[i] = t
}

// run takes n steps, or fewer if something is wrong.
func (w *worker) run(ctx context.Context, n int) {
	for i := 0; i < n && w.err == nil; i++ {
		w.step(ctx)
	}
}

func (w *worker) step(ctx context.Context) {
	w.steps++
	if w.leaveEvery > 0 && w.steps%w.leaveEvery == 0 {
		w.leave()
		w.left++
	}
	if w.rotateEvery > 0 && w.steps%w.rotateEvery == 0 {
		w.generation(w.customerOf()).Add(1)
		w.rotated++
	}
	switch n := w.r.IntN(1000); {
	case n < rsaShare:
		if _, err := w.single.Verify(ctx, w.rsa[w.r.IntN(len(w.rsa))]); err != nil {
			w.fail("a good token of the single issuer: %w", err)
		}
		w.verified++
	case n < rsaShare+badShare:
		w.bad(ctx, n)
	default:
		w.tenant(ctx)
	}
}

// tenant verifies a token of a tenant.
func (w *worker) tenant(ctx context.Context) {
	i := w.r.IntN(len(w.ring))
	if w.r.IntN(newEvery) == 0 || !w.good(w.ring[i]) {
		w.renew(i)
	}
	t := w.ring[i]
	_, err := w.tenants.Verify(ctx, t.compact)
	switch refusal, _ := errors.AsType[*verifier.Error](err); {
	case err == nil:
		w.ring[i].known = true
		w.verified++
	case !w.good(t): // it left, or its key did, meanwhile
	case !t.known && (errors.Is(err, verifier.ErrUnavailable) || refusal != nil && refusal.Reason == verifier.ReasonUnknownKey):
		w.late++ // the key is new, and others have just asked for one that is gone
	default:
		w.fail("a good token of tenant %d, key %d: %w", t.tenant, t.generation, err)
	}
}

// bad verifies tokens that must be refused.
func (w *worker) bad(ctx context.Context, n int) {
	v, compact := w.tenants, w.ring[w.r.IntN(len(w.ring))].compact
	switch n % 5 {
	case 0: // of somebody who is no customer any more
		former := w.first.Load() - 1
		if former < 0 {
			return
		}
		t, err := w.mint(former, 0)
		if err != nil {
			w.fail("minting: %w", err)
		}
		compact = t.compact
	case 1: // of an issuer that nobody knows
		payload := fmt.Sprintf(`{"iss":"https://%d.example.test","aud":%q,"exp":4102444800}`, w.r.Uint64(), audience)
		compact = cut(compact, 1, base64.RawURLEncoding.EncodeToString([]byte(payload)))
	case 2: // another signature
		if !w.good(w.ring[0]) {
			return // an old kid would make a new one wait
		}
		compact = w.ring[0].compact
		compact = cut(compact, 2, base64.RawURLEncoding.EncodeToString(fmt.Appendf(make([]byte, 0, 64), "%064d", w.r.Uint64())[:64]))
	case 3: // a made-up kid
		v, compact = w.single, w.rsa[0]
		compact = cut(compact, 0, base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"%d"}`, w.r.Uint64())))
	default: // no token at all
		compact = strings.Repeat("e", w.r.IntN(4000))
	}
	if token, err := v.Verify(ctx, compact); err == nil {
		w.fail("a bad token is accepted, with issuer %q", token.Issuer())
	}
	w.refused++
}

// cut replaces a part of a token.
func cut(compact string, i int, part string) string {
	parts := strings.Split(compact, ".")
	parts[i] = part
	return strings.Join(parts, ".")
}

// newWorkers returns workers with full rings. The first one makes tenants and keys change.
func newWorkers(s *subject, n, ring int, tokens []string) ([]*worker, error) {
	all := make([]*worker, n)
	for i := range all {
		w := &worker{subject: s, r: rand.New(rand.NewPCG(1, uint64(i))), ring: make([]token, ring/n), rsa: tokens, serial: int64(i) << 48}
		for j := range w.ring {
			w.renew(j)
		}
		if all[i] = w; w.err != nil {
			return nil, w.err
		}
	}
	return all, nil
}

// rsaTokens are good tokens of the single issuer.
func rsaTokens(issuer *devissuer.Issuer, n int) ([]string, error) {
	all := make([]string, n)
	for i := range all {
		var err error
		if all[i], err = issuer.Mint(nil); err != nil {
			return nil, fmt.Errorf("minting: %w", err)
		}
	}
	return all, nil
}
