package verifier

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/keychorus/keychorus/internal/telemetry"
)

// refusalInterval is how often one reason is logged for one issuer at most.
const refusalInterval = time.Minute

// refusals log tokens that were not accepted, by reason and issuer. The lists are closed, so
// that nobody can write into the log at will, or make it grow.
type refusals struct {
	logger  *slog.Logger
	began   time.Time
	issuers []string // of the policy; "other" is the first
	slots   map[Reason][]refusalSlot
}

type refusalSlot struct {
	count atomic.Int64 // since it was last logged
	next  atomic.Int64 // when it may be logged again, from began
}

func newRefusals(l *slog.Logger, issuers []*issuer) *refusals {
	if l == nil {
		return nil
	}
	r := &refusals{logger: l, began: time.Now(), issuers: []string{"other"}, slots: make(map[Reason][]refusalSlot)}
	for _, iss := range issuers {
		r.issuers = append(r.issuers, iss.url)
	}
	for reason := range Reasons() {
		if outcomeOf(reason) != telemetry.Canceled {
			r.slots[reason] = make([]refusalSlot, len(r.issuers))
		}
	}
	return r
}

// count notes one. The first is logged at once, and the others by whoever comes first after an
// interval.
func (r *refusals) count(ctx context.Context, now time.Time, iss *issuer, reason Reason) {
	slots, ok := r.slots[reason]
	if !ok {
		return
	}
	i := 0
	if iss != nil {
		i = iss.number
	}
	slot, at := &slots[i], int64(now.Sub(r.began))
	slot.count.Add(1)
	if next := slot.next.Load(); at >= next && slot.next.CompareAndSwap(next, at+int64(refusalInterval)) {
		r.log(ctx, i, reason, slot)
	}
}

// flush logs what has not been.
func (r *refusals) flush() {
	if r == nil {
		return
	}
	for reason, slots := range r.slots {
		for i := range slots {
			r.log(context.Background(), i, reason, &slots[i])
		}
	}
}

func (r *refusals) log(ctx context.Context, i int, reason Reason, slot *refusalSlot) {
	n := slot.count.Swap(0)
	if n == 0 {
		return
	}
	level, text := slog.LevelWarn, "keychorus: tokens could not be verified"
	if outcomeOf(reason) == telemetry.Refused {
		level, text = slog.LevelInfo, "keychorus: tokens refused"
	}
	r.logger.LogAttrs(ctx, level, text, slog.String("issuer", r.issuers[i]),
		slog.String("reason", string(reason)), slog.Int64("count", n))
}
