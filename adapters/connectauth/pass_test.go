package connectauth_test

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/keychorus/keychorus/adapters/connectauth"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func done(context.Context, connect.Spec, connect.ServerStream) error { return nil }

func TestCallerHasLeft(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer)
	issuer.Hang()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	info, serve := calling(ctx, issuer.Token())
	if err := serve(connectauth.Protect(g), unary, nil, done); connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("%v", err)
	}
	if n := info.ResponseHeader().Len(); n != 0 {
		t.Errorf("%d fields for nobody", n)
	}
}

// Logging before the interceptor sees why, which no caller is told.
func TestErrorHasItsCause(t *testing.T) {
	_, serve := calling(t.Context(), "undefined")
	err := serve(connectauth.Protect(newGuard(t, verifiertest.NewIssuer(t))), unary, nil, done)
	if e, ok := errors.AsType[*verifier.Error](err); !ok || e.Reason != verifier.ReasonPlaceholder || !errors.Is(err, verifier.ErrInvalidToken) {
		t.Errorf("%v", err)
	}
}

// An interceptor that somebody calls without a server has no header to look at.
func TestCallWithoutAServer(t *testing.T) {
	called := false
	guarded := connectauth.Protect(newGuard(t, verifiertest.NewIssuer(t)))(
		func(context.Context, connect.Spec, connect.ServerStream) error { called = true; return nil })
	if err := guarded(t.Context(), unary, nil); called || connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("called %t, %v", called, err)
	}
}

func TestPanicsPassThrough(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer)
	requirement := verifier.NewRequirement(verifier.RequirementSpec{
		Name: "panics", Check: func(context.Context, *verifier.Token) error { panic("requirement") },
	})
	for what, test := range map[string]struct {
		handler connect.ServerFunc
		rules   []connectauth.Rule
	}{
		"requirement": {done, []connectauth.Rule{connectauth.All(requirement)}},
		"handler":     {func(context.Context, connect.Spec, connect.ServerStream) error { panic("handler") }, nil},
		"message":     {func(_ context.Context, _ connect.Spec, s connect.ServerStream) error { return s.Receive(nil) }, nil},
	} {
		func() {
			defer func() {
				if got := recover(); got != what {
					t.Errorf("recovered %v, want %s", got, what)
				}
			}()
			_, serve := calling(t.Context(), issuer.Token())
			_ = serve(connectauth.Protect(g, test.rules...), stream, panicking{}, test.handler)
		}()
	}
}

// panicking is a stream whose messages have no codec, say.
type panicking struct{ connect.ServerStream }

func (panicking) Receive(any) error { panic("message") }
