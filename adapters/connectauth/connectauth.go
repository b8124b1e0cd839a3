package connectauth

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/procedure"
)

// Protect returns an interceptor that lets a call pass if g allows it under the rules; a
// stream, until its token expires. The handler finds the token with
// [verifier.TokenFromContext]. A nil guard, and rules that contradict, refuse everything, as
// misconfigured. Safe for concurrent use.
func Protect(g *guard.Guard, rules ...Rule) connect.ServerInterceptor {
	table, _ := procedure.NewTable(rules...) // nil refuses everything; Check tells why
	return func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			access, reqs := table.Lookup(spec.Procedure)
			var d guard.Decision // denies
			switch access {
			case procedure.Exempted:
				return next(ctx, spec, stream)
			case procedure.Guarded:
				d = g.Check(ctx, facts(ctx, spec), reqs...)
			case procedure.Refused:
			}
			tell(ctx, d)
			switch {
			case !d.Allowed():
				return refusal(d)
			case d.Anonymous(), spec.StreamType == connect.StreamTypeUnary:
				return next(d.Context(ctx), spec, stream)
			default:
				return untilExpiry(ctx, d, next, spec, stream)
			}
		}
	}
}

func untilExpiry(
	ctx context.Context, d guard.Decision, next connect.ServerFunc, spec connect.Spec, stream connect.ServerStream,
) error {
	ctx, cancel := procedure.Until(d.Context(ctx), d.Token())
	defer cancel()
	if err := procedure.Expired(ctx); err != nil {
		return expired(err)
	}
	err := next(ctx, spec, &ending{ctx, stream})
	if end := procedure.Expired(ctx); end != nil {
		return expired(end) // a handler may take the end of its context for a good one
	}
	return err
}

// ending is a stream that ends with its context.
type ending struct {
	ctx    context.Context
	stream connect.ServerStream
}

// Receive fails once the token has expired, also while it waits for the peer.
func (e *ending) Receive(msg any) error {
	return e.await(func() error { return e.stream.Receive(msg) })
}

// Send fails once the token has expired, also while it waits for the peer.
func (e *ending) Send(msg any) error { return e.await(func() error { return e.stream.Send(msg) }) }

// SendHeaders fails once the token has expired.
func (e *ending) SendHeaders() error { return e.await(e.stream.SendHeaders) }

func (e *ending) await(call func() error) error {
	err := procedure.Await(e.ctx, call)
	if end := procedure.Expired(e.ctx); end != nil && errors.Is(err, end) {
		return expired(end)
	}
	return err
}
