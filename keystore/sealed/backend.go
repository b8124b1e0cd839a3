package sealed

import (
	"context"
	"errors"
	"time"
)

// Backend keeps bytes under names: all that a store for etcd, PostgreSQL, memcached or a
// directory has to bring. It is safe for concurrent use. It need not bound how long a call
// takes, nor how many are under way: [Store] does both, whatever a client's own settings are.
//
// Errors: [keystore.ErrNotFound], [keystore.ErrConflict] and [keystore.ErrUnusable] as stated
// below; [ErrRefused] if the back end answered, but would not do it, such as a replica that
// takes no writes; anything else means that the back end cannot be reached or does not work.
// Errors carry no stored bytes.
type Backend interface {
	// Get returns what is stored under key, which may be empty, and for how long it will be
	// kept; left is 0 if that is for ever or not known. The errors are keystore.ErrNotFound
	// and, for something that cannot be read as bytes, keystore.ErrUnusable together with a
	// value that stands for it: Swap replaces that something when it is given the same value
	// as old.
	Get(ctx context.Context, key string) (value []byte, left time.Duration, err error)
	// Swap stores value under key for ttl, which is positive, if what is stored there is old,
	// byte for byte, and does so atomically. A nil old means nothing: one atomic
	// create-if-absent. Else it changes nothing and returns keystore.ErrConflict.
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error
}

// Announcer is implemented by back ends that can tell others about a change. It only makes
// changes arrive sooner: every process also looks for itself, every 15 s.
type Announcer interface {
	// Publish sends msg to whoever is subscribed to topic.
	Publish(ctx context.Context, topic string, msg []byte) error
	// Subscribe calls on for every message of topic, one at a time, and gap whenever
	// messages may have been missed: when the subscription begins and whenever it had to be
	// renewed. It returns an error that wraps that of ctx when ctx ends, or another one when
	// the back end does not allow it; Store calls it again after a while.
	Subscribe(ctx context.Context, topic string, on func(msg []byte), gap func()) error
}

// ErrRefused means that a back end answered and refused. It says that the back end is
// reachable, so that reading goes on where only writing is refused.
var ErrRefused = errors.New("sealed: the back end refuses")
