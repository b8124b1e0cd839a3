package grpcauth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/grpcauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// A stream whose peer is silent ends all the same, and frees what waits on it.
func TestStreamEndsWithItsToken(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	var last error // of the handler's
	ended := make(chan struct{})
	echo := handlers{stream: func(ss grpc.ServerStream) error {
		defer close(ended)
		for last == nil {
			name, _ := subject(ss.Context())
			if err := ss.SendMsg(name); err != nil {
				return err
			}
			last = ss.RecvMsg(&emptypb.Empty{})
		}
		return nil // as if all were well
	}}
	conn := dial(t, serve(t, echo, interceptors(newGuard(t, issuer))...))
	token := issuer.Token(verifiertest.Claims{"sub": "ada", "exp": devissuer.FromNow(2 * time.Second)})
	ctx := metadata.AppendToOutgoingContext(t.Context(), bearer(token)...)
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, streamMethod)
	if err != nil {
		t.Fatal(err)
	}
	var name wrapperspb.StringValue
	for range 3 { // it works until then
		if err := stream.RecvMsg(&name); err != nil || name.GetValue() != "ada" {
			t.Fatal(err, name.GetValue())
		}
		if err := stream.SendMsg(&emptypb.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	for err == nil {
		err = stream.RecvMsg(&name)
	}
	got := outcome{err: err}
	if status.Code(err) != codes.Unauthenticated || got.reason(t) != "EXPIRED" || status.Convert(err).Message() != verifier.ReasonExpired.Description() {
		t.Errorf("the caller got %v", err)
	}
	if <-ended; !isExpired(last) {
		t.Errorf("the handler got %v", last)
	}
}

func isExpired(err error) bool {
	var e *verifier.Error
	return status.Code(err) == codes.Unauthenticated && errors.As(err, &e) && e.Reason == verifier.ReasonExpired
}

// silent is a stream whose peer never says and never takes anything.
type silent struct {
	grpc.ServerStream

	ctx context.Context
}

func (s *silent) Context() context.Context       { return s.ctx }
func (s *silent) RecvMsg(any) error              { <-s.ctx.Done(); return context.Cause(s.ctx) }
func (s *silent) SendMsg(any) error              { <-s.ctx.Done(); return context.Cause(s.ctx) }
func (s *silent) SendHeader(_ metadata.MD) error { <-s.ctx.Done(); return context.Cause(s.ctx) }

// run opens a stream that the peer leaves in three hours, on a token for one.
func run(t *testing.T, handler grpc.StreamHandler) (after time.Duration, err error) {
	t.Helper()
	issuer := verifiertest.NewIssuer(t)
	token := issuer.Token(verifiertest.Claims{"exp": devissuer.FromNow(time.Hour)})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(bearer(token)...))
	ctx, cancel := context.WithTimeout(ctx, 3*time.Hour)
	defer cancel()
	started := time.Now()
	interceptor := grpcauth.Stream(newGuard(t, issuer))
	err = interceptor(nil, &silent{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: streamMethod}, handler)
	after = time.Since(started)
	cancel()
	synctest.Wait()
	return after, err
}

func TestWhatEndsWithTheToken(t *testing.T) {
	for what, wait := range map[string]func(grpc.ServerStream) error{
		"receiving":        func(ss grpc.ServerStream) error { return ss.RecvMsg(nil) },
		"sending":          func(ss grpc.ServerStream) error { return ss.SendMsg(nil) },
		"sending a header": func(ss grpc.ServerStream) error { return ss.SendHeader(nil) },
		"its context":      func(ss grpc.ServerStream) error { <-ss.Context().Done(); return context.Cause(ss.Context()) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen error
			after, err := run(t, func(_ any, ss grpc.ServerStream) error {
				seen = wait(ss)
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
		after, err := run(t, func(_ any, ss grpc.ServerStream) error {
			time.Sleep(2 * time.Hour) // in virtual time
			sent = ss.SendMsg(nil)
			return nil
		})
		if !isExpired(err) || !isExpired(sent) || after != 2*time.Hour {
			t.Errorf("%v after %v, sending %v", err, after, sent)
		}
	})
}

func TestStreamThatEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := status.Error(codes.DataLoss, "own")
		for _, want := range []error{nil, own} {
			if _, err := run(t, func(any, grpc.ServerStream) error { return want }); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	})
}

// The leeway judges a token once; a stream on such a token would be over at once.
func TestStreamHasNoLeeway(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	streams := make(chan struct{}, 1)
	counting := handlers{unary: subject, stream: func(ss grpc.ServerStream) error {
		streams <- struct{}{}
		return greeter.stream(ss)
	}}
	conn := dial(t, serve(t, counting, interceptors(newGuard(t, issuer))...))
	token := bearer(issuer.Token(verifiertest.Claims{"sub": "ada", "exp": devissuer.FromNow(-2 * time.Second)}))
	if got := call(t.Context(), conn, unaryMethod, token...); got.err != nil || got.reply != "ada" {
		t.Errorf("unary: %v, %q", got.err, got.reply)
	}
	if got := call(t.Context(), conn, streamMethod, token...); status.Code(got.err) != codes.Unauthenticated || got.reason(t) != "EXPIRED" || len(streams) != 0 {
		t.Errorf("stream: %v, %q, the handler was called %d times", got.err, got.reply, len(streams))
	}
}

func TestAnonymousStreamHasNoEnd(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	conn := dial(t, serve(t, greeter, interceptors(newGuard(t, issuer, guard.WithOptional()))...))
	for _, method := range methods {
		if got := call(t.Context(), conn, method); got.err != nil || got.reply != "nobody" {
			t.Errorf("%s: %v, %q", method, got.err, got.reply)
		}
	}
}
