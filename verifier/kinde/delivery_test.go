package kinde_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// A webhook that somebody caught does nothing, whatever its webhook-id, and at whatever time.
func TestReplayedWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		var r receiver
		h := kinde.WebhookHandler(v, tenantURL, r.take)
		body := webhook(t, "event_1")
		for i := range 200 {
			again := request(t, body)
			again.Header.Set("Webhook-Id", fmt.Sprint("delivery-", i))
			if w := send(h, again); w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable && w.Code != http.StatusBadRequest {
				t.Errorf("after %d hours: status %d", i, w.Code)
			}
			r.want(t, fmt.Sprintf("after %d hours", i), 1)
			time.Sleep(time.Hour)
		}
		wantStatus(t, "another event", h, request(t, webhook(t, "event_2")), http.StatusOK)
		r.want(t, "another event", 2)
	})
}

// When h fails, Kinde's next attempt is what makes the event arrive.
func TestFailedWebhooksComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		r := receiver{err: errors.New("the database is down")}
		var told error
		h := kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithErrors(func(_ context.Context, err error) { told = err }))
		body := webhook(t, "event_1")
		for i, wait := range []time.Duration{0, 5 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 12 * time.Hour} {
			time.Sleep(wait)
			wantStatus(t, "failing", h, request(t, body), http.StatusInternalServerError)
			r.want(t, fmt.Sprintf("attempt %d", i), int32(i)+1)
			if !errors.Is(told, r.err) {
				t.Errorf("told %v", told)
			}
		}
		r.err = nil
		time.Sleep(12 * time.Hour)
		for range 3 {
			wantStatus(t, "working", h, request(t, body), http.StatusOK)
			r.want(t, "working", 7)
			time.Sleep(time.Minute)
		}
	})
}

func TestWebhooksOfAFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		shared := memory.NewReplay()
		var here, there, elsewhere receiver
		a := kinde.WebhookHandler(v, tenantURL, here.take, kinde.WithReplay("users", shared))
		b := kinde.WebhookHandler(v, tenantURL, there.take, kinde.WithReplay("users", shared))
		c := kinde.WebhookHandler(v, tenantURL, elsewhere.take, kinde.WithReplay("audit", shared))

		here.err = errors.New("no")
		body := webhook(t, "event_1")
		wantStatus(t, "the first fails", a, request(t, body), http.StatusInternalServerError)
		w := send(b, request(t, body))
		equal(t, "the second waits", w.Code, http.StatusServiceUnavailable)
		equal(t, "for how long", w.Header().Get("Retry-After"), "30")
		there.want(t, "meanwhile", 0)
		time.Sleep(2 * time.Minute) // Kinde's fourth attempt
		wantStatus(t, "the second takes over", b, request(t, body), http.StatusOK)
		there.want(t, "then", 1)
		for range 10 {
			if w := send(a, request(t, body)); w.Code == http.StatusInternalServerError {
				t.Error("handled again")
			}
			time.Sleep(time.Minute)
		}
		wantStatus(t, "the first knows", a, request(t, body), http.StatusOK)
		here.want(t, "at last", 1)
		there.want(t, "at last", 1)
		wantStatus(t, "another handler", c, request(t, body), http.StatusOK)
		elsewhere.want(t, "under another name", 1)
	})
}

func TestWebhooksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		shared := memory.NewReplay()
		var calls atomic.Int32
		slow := func(ctx context.Context, _ *kinde.Event) error {
			calls.Add(1)
			if _, ok := ctx.Deadline(); !ok {
				t.Error("no deadline")
			}
			time.Sleep(10 * time.Second)
			return nil
		}
		body := webhook(t, "event_1")
		var ok atomic.Int32
		for range 4 { // replicas
			h := kinde.WebhookHandler(v, tenantURL, slow, kinde.WithReplay("users", shared))
			for range 10 {
				go func() {
					switch w := send(h, request(t, body)); w.Code {
					case http.StatusOK:
						ok.Add(1)
					case http.StatusServiceUnavailable:
					default:
						t.Errorf("status %d", w.Code)
					}
				}()
			}
		}
		time.Sleep(time.Minute)
		equal(t, "calls", calls.Load(), 1)
		equal(t, "answers of 200", ok.Load(), 1)
	})
}

// An attempt that would outlast the turn waits for a turn of its own.
func TestWebhooksDoNotOutlastTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		r := receiver{err: errors.New("no")}
		h := kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithTimeout(30*time.Second))
		body := webhook(t, "event_1")
		wantStatus(t, "first", h, request(t, body), http.StatusInternalServerError)
		time.Sleep(40 * time.Second)
		wantStatus(t, "too late for this turn", h, request(t, body), http.StatusServiceUnavailable)
		time.Sleep(30 * time.Second)
		wantStatus(t, "in the next", h, request(t, body), http.StatusInternalServerError)
		r.want(t, "at last", 2)
	})
}

// An event that was handled is remembered, also if the caller did not wait for the answer.
func TestHandledWebhooksAreRememberedWithoutTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		shared := memory.NewReplay()
		ctx, leave := context.WithCancel(t.Context())
		first := kinde.WebhookHandler(v, tenantURL, func(context.Context, *kinde.Event) error {
			leave()
			return nil
		}, kinde.WithReplay("users", shared))
		body := webhook(t, "event_1")
		send(first, request(t, body).WithContext(ctx))
		time.Sleep(2 * time.Minute)
		var r receiver
		second := kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithReplay("users", shared))
		wantStatus(t, "on another replica", second, request(t, body), http.StatusOK)
		r.want(t, "on another replica", 0)
	})
}

func TestWebhookTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		wait := func(ctx context.Context, _ *kinde.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}
		h := kinde.WebhookHandler(v, tenantURL, wait, kinde.WithTimeout(3*time.Second))
		began := time.Now()
		wantStatus(t, "too slow", h, request(t, webhook(t, "event_1")), http.StatusInternalServerError)
		equal(t, "time", time.Since(began), 3*time.Second)
	})
}

func TestWebhookPanics(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	panicking := true
	h := kinde.WebhookHandler(v, tenantURL, func(context.Context, *kinde.Event) error {
		if panicking {
			panic("a bug")
		}
		return nil
	})
	body := webhook(t, "event_1")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		send(h, request(t, body))
	}()
	panicking = false
	wantStatus(t, "after the bug was mended", h, request(t, body), http.StatusOK)
}

// faulty is a store that fails from a call on.
type faulty struct {
	keystore.Replay
	failFrom, calls int
}

func (f *faulty) Once(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if f.calls++; f.calls >= f.failFrom {
		return false, keystore.ErrUnavailable
	}
	return f.Replay.Once(ctx, key, ttl)
}

func TestWebhooksWhenTheStoreCannotTell(t *testing.T) {
	for _, tt := range []struct {
		failFrom, status int
		calls            int32
	}{
		{1, http.StatusServiceUnavailable, 0}, // before the turn
		{2, http.StatusServiceUnavailable, 0}, // before it is known whether it was done
		{3, http.StatusOK, 1},                 // it is done, and is told so
	} {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		store := &faulty{Replay: memory.NewReplay(), failFrom: tt.failFrom}
		var r receiver
		var told error
		h := kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithReplay("x", store),
			kinde.WithErrors(func(_ context.Context, err error) { told = err }))
		body := webhook(t, "event_1")
		wantStatus(t, fmt.Sprint("failing from ", tt.failFrom), h, request(t, body), tt.status)
		r.want(t, fmt.Sprint("failing from ", tt.failFrom), tt.calls)
		if !errors.Is(told, keystore.ErrUnavailable) {
			t.Errorf("failing from %d: told %v", tt.failFrom, told)
		}
		store.failFrom = 1 << 30
		wantStatus(t, "afterwards", h, request(t, body), http.StatusOK)
		r.want(t, "afterwards", 1)
	}
}

// What is kept beside the store does not grow with the events of the past.
func TestWebhooksAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := tenantVerifier(t, tenantPolicy(t, registered))
		var r receiver
		h := kinde.WebhookHandler(v, tenantURL, r.take)
		for i := range 400 {
			wantStatus(t, "one of many", h, request(t, webhook(t, fmt.Sprint("event_", i))), http.StatusOK)
			time.Sleep(time.Second)
		}
		if n := kinde.EventsKnown(h); n > 200 {
			t.Errorf("%d events are kept", n)
		}
	})
}
