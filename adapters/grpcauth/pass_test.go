package grpcauth_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/keychorus/keychorus/adapters/grpcauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// incoming is the context of a call with a good token, without a server.
func incoming(t *testing.T, issuer *verifiertest.Issuer) context.Context {
	t.Helper()
	return metadata.NewIncomingContext(t.Context(), metadata.Pairs(bearer(issuer.Token())...))
}

// unary runs the interceptor and tells whether the handler was called.
func unary(ctx context.Context, g *guard.Guard, method string, rules ...grpcauth.Rule) (called bool, err error) {
	_, err = grpcauth.Unary(g, rules...)(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method},
		func(context.Context, any) (any, error) { called = true; return struct{}{}, nil })
	return called, err
}

// A name in another form may be the same method to a server, and to no rule.
func TestNameInAnotherForm(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g, rule := newGuard(t, issuer), grpcauth.Method(unaryMethod, verifier.Scopes("admin"))
	for method, want := range map[string]codes.Code{
		unaryMethod: codes.PermissionDenied, unaryMethod[1:]: codes.Internal, "/" + unaryMethod: codes.Internal, "": codes.Internal,
	} {
		if called, err := unary(incoming(t, issuer), g, method, rule); called || status.Code(err) != want {
			t.Errorf("%q: called %t, %v", method, called, err)
		}
	}
}

func TestCallerHasLeft(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer)
	issuer.Hang()
	ctx, leave := context.WithCancel(incoming(t, issuer))
	leave()
	if called, err := unary(ctx, g, unaryMethod); called || status.Code(err) != codes.Canceled {
		t.Errorf("called %t, %v", called, err)
	}
}

// Logging before the interceptor sees why, which no caller is told.
func TestErrorHasItsCause(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	_, err := unary(t.Context(), newGuard(t, issuer), unaryMethod)
	var e *verifier.Error
	if !errors.As(err, &e) || e.Reason != verifier.ReasonNoCredentials || !errors.Is(err, verifier.ErrNoCredentials) {
		t.Errorf("%v", err)
	}
	if want := status.Error(codes.Unauthenticated, verifier.ReasonNoCredentials.Description()).Error(); err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestPanicsPassThrough(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer)
	recovered := func(run func()) (value any) {
		defer func() { value = recover() }()
		run()
		return nil
	}
	ctx := incoming(t, issuer)
	requirement := verifier.NewRequirement(verifier.RequirementSpec{
		Name: "panics", Check: func(context.Context, *verifier.Token) error { panic("requirement") },
	})
	if got := recovered(func() { _, _ = unary(ctx, g, unaryMethod, grpcauth.All(requirement)) }); got != "requirement" {
		t.Errorf("recovered %v", got)
	}
	for what, handler := range map[string]grpc.StreamHandler{
		"handler": func(any, grpc.ServerStream) error { panic("handler") },
		"message": func(_ any, ss grpc.ServerStream) error { return ss.RecvMsg(nil) },
	} {
		got := recovered(func() {
			_ = grpcauth.Stream(g)(nil, &panicking{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: streamMethod}, handler)
		})
		if got != what {
			t.Errorf("recovered %v, want %s", got, what)
		}
	}
}

// panicking is a stream whose messages have no codec, say.
type panicking struct {
	grpc.ServerStream

	ctx context.Context
}

func (p *panicking) Context() context.Context { return p.ctx }
func (p *panicking) RecvMsg(any) error        { panic("message") }
