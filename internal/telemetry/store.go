package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/keystore"
)

// Call is a call of a shared store that is under way. The zero Call tells nothing.
type Call struct {
	t     *Telemetry
	op    Operation
	span  Span
	began time.Time
}

// StartCall begins to tell of a call. It has a span below another one only: the store is looked
// at far more often than anything comes of it.
func (k *Keys) StartCall(ctx context.Context, op Operation) (context.Context, Call) {
	if k == nil || !k.t.shared {
		return ctx, Call{}
	}
	name := "keychorus.store." + op.String()
	c := Call{t: k.t, op: op, began: time.Now()}
	if traced(ctx) {
		ctx, c.span.span = k.t.begin(ctx, name, trace.WithAttributes(k.issuer))
	}
	c.span.region = k.t.Region(ctx, name)
	return ctx, c
}

// End tells what became of it.
func (c Call) End(ctx context.Context, err error) {
	if c.t == nil {
		return
	}
	r := c.record(ctx, err)
	c.finish(outcomeKey.String(r.String()), r)
}

// EndLease is End for a claim on the lease.
func (c Call) EndLease(ctx context.Context, l keystore.Lease, h keystore.Hold, err error) {
	if c.t == nil {
		return
	}
	r, got := c.record(ctx, err), claimOf(l, h, err)
	c.t.leases.Add(ctx, 1, addBy(outcomeKey.String(got.String()))...)
	c.finish(outcomeKey.String(got.String()), r)
}

func (c Call) record(ctx context.Context, err error) result {
	r := resultOf(err)
	if hist := c.t.store; hist.Enabled(ctx) {
		hist.Record(ctx, time.Since(c.began).Seconds(),
			recordBy(operationKey.String(c.op.String()), outcomeKey.String(r.String()))...)
	}
	return r
}

func (c Call) finish(outcome attribute.KeyValue, r result) {
	problem := ""
	if r == broken {
		problem = r.String()
	}
	c.span.end(outcome, problem)
}

// RolledBack counts a record that was older than what is at hand.
func (k *Keys) RolledBack(ctx context.Context) {
	if k != nil && k.t.shared {
		k.t.rollbacks.Add(ctx, 1)
	}
}

// Healed counts a record that was put back.
func (k *Keys) Healed(ctx context.Context) {
	if k != nil && k.t.shared {
		k.t.heals.Add(ctx, 1)
	}
}
