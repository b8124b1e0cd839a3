package rediskeystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// maxValue bounds what is read of a value, since whoever may write to the server may store
// half a gigabyte under a name that every process reads. What the store itself writes is
// shorter; a value that was cut has no seal that holds.
const maxValue = 2 << 20

// wrongType stands for something that is no string, in Get and in Swap.
var wrongType = []byte("\x00wrong type")

// New returns a store over client: a *redis.Client, also one for Sentinel, a
// *redis.ClusterClient or a *redis.Ring. The caller owns client: New and the store set
// nothing on it, and never close it; any settings do, since the store bounds every call
// itself, but see the package comment for better ones. No command is sent before the first
// call of the store. A nil client, nil secrets and bad options are errors.
func New(client redis.UniversalClient, secrets *sealed.Secrets, opts ...sealed.Option) (*sealed.Store, error) {
	if isNil(client) {
		return nil, errors.New("rediskeystore: the client is nil")
	}
	store, err := sealed.New(newBackend(client), secrets, opts...)
	if err != nil {
		return nil, fmt.Errorf("rediskeystore: %w", err)
	}
	return store, nil
}

// isNil also sees a nil pointer in the interface, as of a client that could not be made.
func isNil(client redis.UniversalClient) bool {
	v := reflect.ValueOf(client)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// backend is Redis as sealed sees it.
type backend struct {
	client redis.UniversalClient
	// checkEvery and checkTimeout are the constants of these names but in tests.
	checkEvery, checkTimeout time.Duration
}

func newBackend(client redis.UniversalClient) *backend {
	return &backend{client, checkEvery, checkTimeout}
}

var (
	_ sealed.Backend   = (*backend)(nil)
	_ sealed.Announcer = (*backend)(nil)
)

// Get reads the value and its remaining life in one round trip.
func (b *backend) Get(ctx context.Context, key string) ([]byte, time.Duration, error) {
	return read(ctx, b.client, key)
}

// read needs no transaction: the life is a hint, and absence is judged as told at read.
func read(ctx context.Context, on redis.Cmdable, key string) ([]byte, time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, failure("get", err)
	}
	var value *redis.StringCmd
	var life *redis.DurationCmd
	_, _ = on.Pipelined(ctx, func(p redis.Pipeliner) error {
		value, life = p.GetRange(ctx, key, 0, maxValue-1), p.PTTL(ctx, key)
		return nil
	})
	switch err := value.Err(); {
	case replyCode(err) == "WRONGTYPE":
		return wrongType, max(life.Val(), 0), keystore.ErrUnusable
	case err != nil:
		return nil, 0, failure("get", err)
	case life.Err() != nil && replyCode(life.Err()) == "":
		return nil, 0, failure("get", life.Err())
	}
	// GETRANGE does not tell an absent value from an empty one; PTTL does. Where PTTL is
	// refused, empty means absent and nothing is known about the life.
	if value.Val() == "" && (life.Err() != nil || life.Val() == -2) {
		return nil, 0, keystore.ErrNotFound
	}
	return []byte(value.Val()), max(life.Val(), 0), nil
}

// Swap creates with one command, and replaces what it has seen under WATCH. If the reply to
// a SET NX is lost and the client sends it again, its own value makes it a conflict; whoever
// reads next finds that value.
func (b *backend) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return failure("set", err)
	}
	if len(value) > maxValue {
		return fmt.Errorf("rediskeystore: the value has %d bytes: at most %d", len(value), maxValue)
	}
	ttl = max(ttl, time.Millisecond) // less would be sent as for ever
	if old == nil {
		created, err := b.client.SetNX(ctx, key, value, ttl).Result()
		if err == nil && !created {
			return keystore.ErrConflict
		}
		return failure("set", err)
	}
	replaced := false
	err := b.client.Watch(ctx, func(tx *redis.Tx) error {
		err := replace(ctx, tx, key, old, value, ttl)
		replaced = err == nil
		return err
	}, key)
	switch {
	case errors.Is(err, keystore.ErrConflict):
		return keystore.ErrConflict
	case err == nil && !replaced: // a cluster client that was sent to and fro while a slot moves
		return &opError{"set", "the slot is on its way to another node", []error{sealed.ErrRefused}}
	}
	return failure("set", err)
}

// replace runs under WATCH of key: EXEC is refused if anything touched it since.
func replace(ctx context.Context, tx *redis.Tx, key string, old, value []byte, ttl time.Duration) error {
	now, _, err := read(ctx, tx, key)
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return keystore.ErrConflict
	case err != nil && !errors.Is(err, keystore.ErrUnusable):
		return err
	case !bytes.Equal(now, old):
		return keystore.ErrConflict
	}
	queued, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, key, value, ttl)
		return nil
	})
	if errors.Is(err, redis.TxFailedErr) {
		return keystore.ErrConflict
	}
	// EXECABORT only says that something was refused; what, and why, is with the command.
	if replyCode(err) == "EXECABORT" && len(queued) > 0 {
		return queued[0].Err()
	}
	return err
}
