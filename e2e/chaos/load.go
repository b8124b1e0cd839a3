//go:build unix

package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Clients of one replica have at most this many requests under way, so that some that wait do
// not keep the others from being sent.
const underWay = 64

// steady sends to one replica what clients send every day, and what attackers do.
func (st *stage) steady(ctx context.Context, s *slot) {
	r := rand.New(rand.NewPCG(st.Seed, 1000+uint64(s.index)))
	st.send(ctx, s, time.Second*time.Duration(st.Replicas)/time.Duration(st.Rate), func() (token, bool) { return st.choose(r), true })
}

// flooding sends made-up kids while there is a flood.
func (st *stage) flooding(ctx context.Context, s *slot) {
	r := rand.New(rand.NewPCG(st.Seed, 3000+uint64(s.index)))
	st.send(ctx, s, 25*time.Millisecond, func() (token, bool) {
		switch {
		case st.strangers.Load() && r.IntN(8) == 0:
			return st.book.strange(), true
		case st.flood.Load():
			return st.book.madeUp(), true
		}
		return token{}, false
	})
}

// send sends a token every so often until ctx ends, and waits for the answers.
func (st *stage) send(ctx context.Context, s *slot, every time.Duration, next func() (token, bool)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, underWay)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		l := s.ready()
		if l == nil {
			continue
		}
		t, ok := next()
		if !ok {
			continue
		}
		select {
		case free <- struct{}{}:
		default:
			continue
		}
		wg.Go(func() {
			defer func() { <-free }()
			st.ask(context.WithoutCancel(ctx), l, t)
		})
	}
}

// ask sends one token and notes the answer.
func (st *stage) ask(ctx context.Context, l *life, t token) {
	e := Entry{Kind: t.kind, Key: t.key, Process: l.number, Sent: st.ledger.now()}
	e.Status, _ = st.get(ctx, l.url+"/hello", t.compact)
	e.Answered = st.ledger.now()
	st.ledger.add(e)
}

// Tokens of withdrawn keys are sent for a while after the withdrawal, and now and then: each
// is a kid that nobody has, and shuts the gate as a made-up one does.
const (
	lingering = 75 * time.Second
	comeback  = time.Minute
	visit     = 4 * time.Second
)

// choose draws a token: most are good.
func (st *stage) choose(r *rand.Rand) token {
	keys := st.book.sorted()
	kind, key, from := Good, keys.current, []string(nil)
	switch n := r.IntN(100); {
	case n < 60:
	case n < 80:
		from = keys.former
	case n < 85:
		now := st.ledger.now()
		if n := len(keys.withdrawn); n > 0 && (now%comeback < visit || now-st.ledger.withdrawnAt(keys.withdrawn[n-1]) < lingering) {
			from = keys.withdrawn
		}
	case n < 88:
		from = keys.revoked
	case n < 92:
		kind = Forged
	case n < 96:
		kind = Expired
	default:
		kind = OtherAudience
	}
	if len(from) > 0 {
		key = from[r.IntN(len(from))]
	}
	return st.book.of(r, key, kind)
}
