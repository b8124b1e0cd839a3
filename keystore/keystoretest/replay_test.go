package keystoretest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// replay is a right Replay with switches that make it wrong.
type replay struct {
	mu    sync.Mutex
	until map[string]time.Time

	never, always, racy, ignoreCtx, lateCtx, folds, unsure bool
}

func (r *replay) Once(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil && !r.ignoreCtx && !r.lateCtx {
		return r.unsure, err
	}
	if r.folds {
		key = strings.ToLower(key)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	until, used := r.until[key]
	used = used && (r.always || until.After(time.Now()))
	if r.racy { // looks, lets others in, then writes
		r.mu.Unlock()
		time.Sleep(time.Millisecond)
		r.mu.Lock()
	}
	if !used && !r.never {
		r.until[key] = time.Now().Add(ttl)
	}
	if r.ignoreCtx {
		return !used, nil
	}
	return !used && ctx.Err() == nil, ctx.Err()
}

func newReplay(wrong func(*replay)) *replay {
	r := &replay{until: map[string]time.Time{}}
	wrong(r)
	return r
}

func TestTheRightReplayPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		RunReplay(t, func(testing.TB) keystore.Replay { return newReplay(func(*replay) {}) })
	})
}

func TestEveryReplayCaseBites(t *testing.T) {
	const (
		once, race    = "the first use is told from the second", "one of many is first"
		ended, expiry = "an ended context is told and uses nothing up", "a use is forgotten in time"
	)
	synctest.Test(t, func(t *testing.T) {
		bitten := map[string]bool{}
		for _, w := range []struct {
			name  string
			wrong func(*replay)
			bites string
		}{
			{"nothing is remembered", func(r *replay) { r.never = true }, once},
			{"case is folded", func(r *replay) { r.folds = true }, once},
			{"a use looks, and then writes", func(r *replay) { r.racy = true }, race},
			{"the context is ignored", func(r *replay) { r.ignoreCtx = true }, ended},
			{"the context is told too late", func(r *replay) { r.lateCtx = true }, ended},
			{"an error is a first use", func(r *replay) { r.unsure = true }, ended},
			{"nothing is forgotten", func(r *replay) { r.always = true }, expiry},
		} {
			for _, c := range replayCases() {
				if c.name != w.bites {
					continue
				}
				bitten[c.name] = true
				if !bites(t, func(tb testing.TB) { c.run(tb, newReplay(w.wrong)) }) {
					t.Errorf("a Replay where %s passes %q", w.name, c.name)
				}
			}
		}
		for _, c := range replayCases() {
			if !bitten[c.name] {
				t.Errorf("no broken Replay fails %q", c.name)
			}
		}
	})
}
