package connectauth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/connectauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func isExpired(err error) bool {
	e, ok := errors.AsType[*verifier.Error](err)
	return connect.CodeOf(err) == connect.CodeUnauthenticated && ok && e.Reason == verifier.ReasonExpired
}

// A stream whose peer is silent ends all the same, and frees what waits on it.
func TestStreamEndsWithItsToken(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	last := make(chan error, 3)
	echo := func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
		var err error
		for err == nil {
			if err = stream.Receive(&emptypb.Empty{}); err == nil {
				err = stream.Send(wrapperspb.String("ada"))
			}
		}
		last <- err
		return nil // as if all were well
	}
	for protocol, client := range clients(t, echo, connectauth.Protect(newGuard(t, issuer))) {
		ctx, info := connect.NewClientContext(t.Context())
		token := issuer.Token(verifiertest.Claims{"exp": devissuer.FromNow(2 * time.Second)})
		info.RequestHeader().Set("Authorization", "Bearer "+token)
		s, err := client.CallClientStream(ctx, stream)
		if err != nil {
			t.Fatal(err)
		}
		var name wrapperspb.StringValue
		for range 3 { // it works until then
			if err := s.Send(&emptypb.Empty{}); err != nil {
				t.Fatal(err)
			}
			if err := s.Receive(&name); err != nil {
				t.Fatal(err)
			}
		}
		err = s.Receive(&name)
		got := outcome{}
		if !errors.As(err, &got.err) || got.err.Code() != connect.CodeUnauthenticated || got.reason() != "EXPIRED" ||
			got.err.Message() != verifier.ReasonExpired.Description() {
			t.Errorf("%s: the caller got %v", protocol, err)
		}
		if err := <-last; !isExpired(err) {
			t.Errorf("%s: the handler got %v", protocol, err)
		}
	}
}

// silent is a stream whose peer never says and never takes anything.
type silent struct{ ctx context.Context }

func (s *silent) wait() error        { <-s.ctx.Done(); return context.Cause(s.ctx) }
func (s *silent) Receive(any) error  { return s.wait() }
func (s *silent) Send(any) error     { return s.wait() }
func (s *silent) SendHeaders() error { return s.wait() }

// calling is the context of a call with this token, without a server.
func calling(ctx context.Context, token string) (info *connect.CallInfo, serve func(connect.ServerInterceptor, connect.Spec, connect.ServerStream, connect.ServerFunc) error) {
	info = &connect.CallInfo{}
	info.RequestHeader().Set("Authorization", "Bearer "+token)
	return info, func(i connect.ServerInterceptor, spec connect.Spec, stream connect.ServerStream, handler connect.ServerFunc) error {
		server := connect.NewServer(i)
		server.Register(connect.Method{Spec: spec, Handler: handler})
		return server.Call(ctx, spec.Procedure, info, stream)
	}
}

// run opens a stream that the peer leaves in three hours, on a token for one.
func run(t *testing.T, spec connect.Spec, handler connect.ServerFunc) (after time.Duration, err error) {
	t.Helper()
	issuer := verifiertest.NewIssuer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
	defer cancel()
	_, serve := calling(ctx, issuer.Token(verifiertest.Claims{"exp": devissuer.FromNow(time.Hour)}))
	started := time.Now()
	err = serve(connectauth.Protect(newGuard(t, issuer)), spec, &silent{ctx}, handler)
	after = time.Since(started)
	cancel()
	synctest.Wait()
	return after, err
}

func TestWhatEndsWithTheToken(t *testing.T) {
	for what, wait := range map[string]func(context.Context, connect.ServerStream) error{
		"receiving":        func(_ context.Context, s connect.ServerStream) error { return s.Receive(nil) },
		"sending":          func(_ context.Context, s connect.ServerStream) error { return s.Send(nil) },
		"sending a header": func(_ context.Context, s connect.ServerStream) error { return s.SendHeaders() },
		"its context":      func(ctx context.Context, _ connect.ServerStream) error { <-ctx.Done(); return context.Cause(ctx) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen error
			after, err := run(t, stream, func(ctx context.Context, _ connect.Spec, s connect.ServerStream) error {
				seen = wait(ctx, s)
				return nil
			})
			if !isExpired(err) || after != time.Hour {
				t.Errorf("%s: %v after %v, want expiry after an hour", what, err, after)
			}
			if !errors.Is(seen, verifier.ErrInvalidToken) {
				t.Errorf("%s: the handler saw %v", what, seen)
			}
		})
	}
}

// Work that never looks is not cut short, but its result does not count, and its messages
// no longer go out.
func TestHandlerThatOutlivesTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent error
		after, err := run(t, stream, func(_ context.Context, _ connect.Spec, s connect.ServerStream) error {
			time.Sleep(2 * time.Hour) // in virtual time
			sent = s.Send(nil)
			return nil
		})
		if !isExpired(err) || !isExpired(sent) || after != 2*time.Hour {
			t.Errorf("%v after %v, sending %v", err, after, sent)
		}
	})
}

func TestUnaryCallIsJudgedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := run(t, unary, func(context.Context, connect.Spec, connect.ServerStream) error {
			time.Sleep(2 * time.Hour) // in virtual time
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestStreamThatEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := connect.NewError(connect.CodeDataLoss, "own")
		for _, want := range []error{nil, own} {
			if _, err := run(t, stream, func(context.Context, connect.Spec, connect.ServerStream) error { return want }); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	})
}

// The leeway judges a token once; a stream on such a token would be over at once.
func TestStreamHasNoLeeway(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	streams := make(chan connect.Spec, 1)
	handler := func(ctx context.Context, spec connect.Spec, s connect.ServerStream) error {
		if spec.StreamType != connect.StreamTypeUnary {
			streams <- spec
		}
		return greet(ctx, spec, s)
	}
	client := clients(t, handler, connectauth.Protect(newGuard(t, issuer)))["connect"]
	token := bearer(issuer.Token(verifiertest.Claims{"sub": "ada", "exp": devissuer.FromNow(-2 * time.Second)}))
	if got := call(t.Context(), client, unary, token); got.err != nil || got.reply != "ada" {
		t.Errorf("unary: %v, %q", got.err, got.reply)
	}
	if got := call(t.Context(), client, stream, token); got.err == nil || got.err.Code() != connect.CodeUnauthenticated || got.reason() != "EXPIRED" || len(streams) != 0 {
		t.Errorf("stream: %v, %q, the handler was called %d times", got.err, got.reply, len(streams))
	}
}

func TestAnonymousStreamHasNoEnd(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	client := clients(t, greet, connectauth.Protect(newGuard(t, issuer, guard.WithOptional())))["connect"]
	for _, spec := range specs {
		if got := call(t.Context(), client, spec, nil); got.err != nil || got.reply != "nobody" {
			t.Errorf("%v, %q", got.err, got.reply)
		}
	}
}
