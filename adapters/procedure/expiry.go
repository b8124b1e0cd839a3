package procedure

import (
	"context"
	"errors"

	"github.com/keychorus/keychorus/verifier"
)

var errExpired error = &verifier.Error{Reason: verifier.ReasonExpired}

// Until returns a context for a stream that ends when the token expires, by the clock of
// this machine: at exp itself, since a leeway is for judging a token once, not for using
// it longer. The caller must call cancel.
func Until(ctx context.Context, t *verifier.Token) (_ context.Context, cancel context.CancelFunc) {
	return context.WithDeadlineCause(ctx, t.ExpiresAt(), errExpired)
}

// Expired returns an [*verifier.Error] with [verifier.ReasonExpired] if ctx has ended, or
// comes from one that has ended, because the token of [Until] expired; else nil.
func Expired(ctx context.Context) error {
	if err := context.Cause(ctx); errors.Is(err, errExpired) {
		return err
	}
	return nil
}

// Await returns what call returns, or the error of [Expired] as soon as there is one: a call
// that waits for the peer knows nothing of ctx. Then call goes on by itself until the
// framework ends the stream, and whatever it works on must be left alone. A panic of call
// becomes one of Await, with the same value; after the token has expired nobody waits
// for it any more.
func Await(ctx context.Context, call func() error) error {
	if err := Expired(ctx); err != nil {
		return err
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{panicked: true}
		defer func() {
			if o.panicked {
				o.value = recover()
			}
			done <- o
		}()
		o.err = call()
		o.panicked = false
	}()
	select {
	case o := <-done:
		return o.result()
	case <-ctx.Done():
	}
	if err := Expired(ctx); err != nil {
		return err
	}
	return (<-done).result() // the peer has left, as call will notice
}

type outcome struct {
	err      error
	panicked bool
	value    any
}

func (o outcome) result() error {
	if o.panicked {
		panic(o.value) // not this package's: it only passes through
	}
	return o.err
}
