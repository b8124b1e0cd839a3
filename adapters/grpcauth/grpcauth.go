package grpcauth

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/procedure"
)

// Unary returns an interceptor that lets a unary call pass if g allows it under the rules.
// The handler finds the token with [verifier.TokenFromContext]. A nil guard, and rules that
// contradict, refuse everything, as misconfigured. Safe for concurrent use.
func Unary(g *guard.Guard, rules ...Rule) grpc.UnaryServerInterceptor {
	gate := newGate(g, rules)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		d, exempt := gate.judge(ctx, info.FullMethod)
		if exempt {
			return handler(ctx, req)
		}
		if md := header(d); md != nil {
			_ = grpc.SetHeader(ctx, md) // fails if another interceptor has sent the header
		}
		if !d.Allowed() {
			return nil, refusal(d)
		}
		return handler(d.Context(ctx), req)
	}
}

// Stream returns an interceptor that lets a streaming call pass if g allows it under the
// rules, until its token expires. The handler finds the token with
// [verifier.TokenFromContext] in the stream's context. Otherwise it is like [Unary].
func Stream(g *guard.Guard, rules ...Rule) grpc.StreamServerInterceptor {
	gate := newGate(g, rules)
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		d, exempt := gate.judge(ss.Context(), info.FullMethod)
		if exempt {
			return handler(srv, ss)
		}
		if md := header(d); md != nil {
			_ = ss.SetHeader(md)
		}
		if !d.Allowed() {
			return refusal(d)
		}
		if d.Anonymous() {
			return handler(srv, ss)
		}
		ctx, cancel := procedure.Until(d.Context(ss.Context()), d.Token())
		defer cancel()
		if err := procedure.Expired(ctx); err != nil {
			return expired(err)
		}
		err := handler(srv, &stream{ss, ctx})
		if end := procedure.Expired(ctx); end != nil {
			return expired(end) // a handler may take the end of its context for a good one
		}
		return err
	}
}

// gate is what both interceptors judge with.
type gate struct {
	guard *guard.Guard
	table *procedure.Table // nil if the rules contradict: it refuses everything
}

func newGate(g *guard.Guard, rules []Rule) gate {
	table, _ := procedure.NewTable(rules...) // Check tells
	return gate{g, table}
}

func (g gate) judge(ctx context.Context, method string) (d guard.Decision, exempt bool) {
	access, reqs := g.table.Lookup(method)
	switch access {
	case procedure.Exempted:
		return guard.Decision{}, true
	case procedure.Guarded:
		return g.guard.Check(ctx, facts(ctx, method), reqs...), false
	default:
		return guard.Decision{}, false // denies
	}
}

// stream has a context of its own, and ends with it.
type stream struct {
	grpc.ServerStream

	ctx context.Context
}

// Context is that of the stream, with the token.
func (s *stream) Context() context.Context { return s.ctx }

// SendMsg fails once the token has expired, also while it waits for the peer.
func (s *stream) SendMsg(m any) error {
	return s.await(func() error { return s.ServerStream.SendMsg(m) })
}

// RecvMsg fails once the token has expired, also while it waits for the peer.
func (s *stream) RecvMsg(m any) error {
	return s.await(func() error { return s.ServerStream.RecvMsg(m) })
}

// SendHeader fails once the token has expired.
func (s *stream) SendHeader(md metadata.MD) error {
	return s.await(func() error { return s.ServerStream.SendHeader(md) })
}

func (s *stream) await(call func() error) error {
	err := procedure.Await(s.ctx, call)
	if end := procedure.Expired(s.ctx); end != nil && errors.Is(err, end) {
		return expired(end)
	}
	return err
}
