package kinde

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

// WebhookOption configures a [WebhookHandler].
type WebhookOption interface{ apply(h *webhook) error }

type webhookOption func(*webhook) error

func (o webhookOption) apply(h *webhook) error { return o(h) }

// WithReplay remembers in r what was handled. Replicas of one handler must share r and the
// name, else each of them handles an event once; handlers that do different things must not
// share the name. While r cannot tell, webhooks are answered 503, and Kinde comes again.
// An empty name and a nil r are errors. Default: in memory, for this handler alone.
func WithReplay(name string, r keystore.Replay) WebhookOption {
	return webhookOption(func(h *webhook) error {
		if name == "" || r == nil {
			return errors.New("kinde: WithReplay: needs a name and a store")
		}
		h.events.name, h.events.replay = name, r
		return nil
	})
}

// WithMaxBytes bounds the body of a webhook, from 1 KiB to 1 MiB. Default: 256 KiB.
func WithMaxBytes(n int) WebhookOption {
	return webhookOption(func(h *webhook) error {
		if n < 1<<10 || n > maxBodyBytes {
			return fmt.Errorf("kinde: WithMaxBytes: must lie between 1024 and %d", maxBodyBytes)
		}
		h.maxBytes = int64(n)
		return nil
	})
}

// WithMaxAge is how long after its timestamp a webhook is accepted, from one minute to 30 days.
// Kinde attempts for some 36 hours and does not say whether a later attempt gets a timestamp
// of its own: less than that may lose events. Default: 48 hours.
func WithMaxAge(d time.Duration) WebhookOption {
	return webhookOption(func(h *webhook) error {
		if d < minEventAge || d > maxEventAge {
			return fmt.Errorf("kinde: WithMaxAge: must lie between %v and %v", minEventAge, maxEventAge)
		}
		h.maxAge = d
		return nil
	})
}

// WithTimeout is the deadline of the function for one event, from one second to 10 minutes.
// Default: 30 seconds.
func WithTimeout(d time.Duration) WebhookOption {
	return webhookOption(func(h *webhook) error {
		if d < time.Second || d > maxTime {
			return fmt.Errorf("kinde: WithTimeout: must lie between 1s and %v", maxTime)
		}
		h.timeout = d
		return nil
	})
}

// WithErrors tells why a webhook was not answered 200, and that an event which was handled
// could not be remembered: an [*verifier.Error], [ErrStale], [ErrUnderWay], [ErrRequest], or
// what the function or the store returned. tell runs before the answer and must be safe for
// concurrent use. A nil function is an error. Default: nobody is told.
func WithErrors(tell func(ctx context.Context, err error)) WebhookOption {
	return webhookOption(func(h *webhook) error {
		if tell == nil {
			return errors.New("kinde: WithErrors: the function is nil")
		}
		h.tell = tell
		return nil
	})
}
