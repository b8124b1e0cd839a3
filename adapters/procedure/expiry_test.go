package procedure_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/adapters/procedure"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func isExpired(err error) bool {
	var e *verifier.Error
	return errors.As(err, &e) && e.Reason == verifier.ReasonExpired
}

func TestUntilTheTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := verifiertest.NewIssuer(t).Verified(verifiertest.Claims{"exp": devissuer.FromNow(time.Hour)})
		ctx, cancel := procedure.Until(t.Context(), token)
		defer cancel()
		inner, stop := context.WithCancel(ctx)
		defer stop()
		started := time.Now()
		if err := procedure.Expired(ctx); err != nil {
			t.Errorf("at the start: %v", err)
		}
		<-ctx.Done()
		if after := time.Since(started); after != time.Hour {
			t.Errorf("ended after %v, want an hour", after)
		}
		synctest.Wait()
		for what, ctx := range map[string]context.Context{"itself": ctx, "a derived one": inner} {
			if err := procedure.Expired(ctx); !isExpired(err) || !errors.Is(err, verifier.ErrInvalidToken) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Whoever accepted the token by its leeway still cannot use it for a stream.
func TestUntilHasNoLeeway(t *testing.T) {
	token := verifiertest.NewIssuer(t).Verified(verifiertest.Claims{"exp": devissuer.FromNow(-time.Second)})
	ctx, cancel := procedure.Until(t.Context(), token)
	defer cancel()
	called := false
	err := procedure.Await(ctx, func() error { called = true; return nil })
	if !isExpired(procedure.Expired(ctx)) || !isExpired(err) || called {
		t.Errorf("Expired %v, Await %v, called %t", procedure.Expired(ctx), err, called)
	}
}

func TestAnotherEndIsNotExpiry(t *testing.T) {
	token := verifiertest.NewIssuer(t).Verified()
	parent, leave := context.WithCancel(t.Context())
	ctx, cancel := procedure.Until(parent, token)
	defer cancel()
	leave()
	<-ctx.Done()
	if err := procedure.Expired(ctx); err != nil {
		t.Error(err)
	}
	// The framework's own error is told, not one made up here.
	if err := procedure.Await(ctx, func() error { return io.ErrClosedPipe }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Await: %v", err)
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := verifiertest.NewIssuer(t).Verified(verifiertest.Claims{"exp": devissuer.FromNow(time.Minute)})
		ctx, cancel := procedure.Until(t.Context(), token)
		defer cancel()
		for _, want := range []error{nil, io.EOF} {
			if err := procedure.Await(ctx, func() error { return want }); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		func() {
			defer func() {
				if got := recover(); got != "the peer's fault" {
					t.Errorf("recovered %v", got)
				}
			}()
			_ = procedure.Await(ctx, func() error { panic("the peer's fault") })
		}()

		// A call that waits for a silent peer.
		peer, started := make(chan struct{}), time.Now()
		ended := make(chan struct{})
		err := procedure.Await(ctx, func() error {
			defer close(ended)
			<-peer
			panic("nobody waits for this any more")
		})
		if after := time.Since(started); !isExpired(err) || after != time.Minute {
			t.Errorf("%v after %v, want expiry after a minute", err, after)
		}
		close(peer)
		<-ended
	})
}
