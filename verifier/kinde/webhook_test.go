package kinde_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// webhook signs an event that is made now.
func webhook(tb testing.TB, id string) string {
	tb.Helper()
	return webhookAt(tb, id, time.Now())
}

func webhookAt(tb testing.TB, id string, at time.Time) string {
	tb.Helper()
	return signed(tb, fmt.Sprintf(`{"data":{"user":{"id":"kp_1"}},"event_id":%q,"source":"api","timestamp":%q,"type":"user.created"}`,
		id, at.Format(time.RFC3339Nano)))
}

// request is how Kinde sends a webhook.
func request(tb testing.TB, body string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/webhooks/kinde", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/jwt")
	r.Header.Set("Webhook-Id", "delivery-1")
	return r
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantStatus(tb testing.TB, what string, h http.Handler, r *http.Request, want int) {
	tb.Helper()
	if w := send(h, r); w.Code != want {
		tb.Errorf("%s: status %d, want %d", what, w.Code, want)
	}
}

// receiver counts what it is given, and fails while it is told to.
type receiver struct {
	calls atomic.Int32
	err   error
	last  *kinde.Event
}

func (r *receiver) take(_ context.Context, e *kinde.Event) error {
	r.calls.Add(1)
	r.last = e
	return r.err
}

func (r *receiver) want(tb testing.TB, what string, n int32) {
	tb.Helper()
	if got := r.calls.Load(); got != n {
		tb.Errorf("%s: handled %d times, want %d", what, got, n)
	}
}

func TestWebhookStatuses(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	good := webhook(t, "event_1")
	typed := func(contentType string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", contentType) }
	}
	var told error
	var r receiver
	h := kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithErrors(func(_ context.Context, err error) { told = err }))
	for _, tt := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		err        error
	}{
		{"good", good, nil, 200, nil},
		{"content type with parameter", webhook(t, "event_2"), typed("application/JWT; charset=utf-8"), 200, nil},
		{"get", good, func(r *http.Request) { r.Method = http.MethodGet }, 405, kinde.ErrRequest},
		{"no content type", good, func(r *http.Request) { r.Header.Del("Content-Type") }, 415, kinde.ErrRequest},
		{"JSON", good, typed("application/json"), 415, kinde.ErrRequest},
		{"compressed", good, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415, kinde.ErrRequest},
		{"2 MB", strings.Repeat("x", 2<<20), nil, 413, kinde.ErrRequest},
		{"2 MB, length unknown", strings.Repeat("x", 2<<20), func(r *http.Request) { r.ContentLength = -1 }, 413, kinde.ErrRequest},
		{"body cut off", good, func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)) }, 400, kinde.ErrRequest},
		{"empty", "", nil, 400, verifier.ErrInvalidToken},
		{"plain JSON", payloads.webhook, nil, 400, verifier.ErrInvalidToken},
		{"forged", good[:len(good)-8] + "AAAAAAAA", nil, 400, verifier.ErrInvalidToken},
		{"access token", signed(t, payloads.full), nil, 400, verifier.ErrInvalidToken},
		{"token of a machine", signed(t, payloads.machine), nil, 400, verifier.ErrInvalidToken},
		{"no event", signed(t, "{}"), nil, 400, kinde.ErrAbsent},
		{"too old", webhookAt(t, "event_3", time.Now().Add(-49*time.Hour)), nil, 400, kinde.ErrStale},
		{"from the future", webhookAt(t, "event_4", time.Now().Add(10*time.Minute)), nil, 400, kinde.ErrStale},
		{"of the last retry", webhookAt(t, "event_5", time.Now().Add(-37*time.Hour)), nil, 200, nil},
		{"clock a little ahead", webhookAt(t, "event_6", time.Now().Add(time.Minute)), nil, 200, nil},
	} {
		told = nil
		req := request(t, tt.body)
		if tt.change != nil {
			tt.change(req)
		}
		w := send(h, req)
		if w.Code != tt.status || !errors.Is(told, tt.err) || tt.err == nil && told != nil {
			t.Errorf("%s: status %d, want %d; told %v, want %v", tt.name, w.Code, tt.status, told, tt.err)
		}
		if got := w.Body.String(); got != http.StatusText(tt.status)+"\n" {
			t.Errorf("%s: the answer says %q", tt.name, got)
		}
		equal(t, tt.name+", Allow", w.Header().Get("Allow") == "POST", tt.status == 405)
	}
	r.want(t, "at all", 4)
	equal(t, "delivery", r.last.DeliveryID, "delivery-1")
	equal(t, "event", r.last.ID, "event_6")
}

func TestMisconfiguredWebhooks(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	var r receiver
	var told error
	tell := kinde.WithErrors(func(_ context.Context, err error) { told = err })
	for name, h := range map[string]http.Handler{
		"no verifier":    kinde.WebhookHandler(nil, tenantURL, r.take, tell),
		"no issuer":      kinde.WebhookHandler(v, "", r.take, tell),
		"no function":    kinde.WebhookHandler(v, tenantURL, nil, tell),
		"another issuer": kinde.WebhookHandler(v, "https://auth.bookshop.example", r.take, tell),
		"nil option":     kinde.WebhookHandler(v, tenantURL, r.take, nil, tell),
		"nil store":      kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithReplay("x", nil), tell),
		"store, no name": kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithReplay("", memory.NewReplay()), tell),
		"tiny":           kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithMaxBytes(1023), tell),
		"huge":           kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithMaxBytes(1<<20+1), tell),
		"short":          kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithMaxAge(time.Second), tell),
		"long":           kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithMaxAge(31*24*time.Hour), tell),
		"no time":        kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithTimeout(0), tell),
		"all day":        kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithTimeout(time.Hour), tell),
		"nobody to tell": kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithErrors(nil), tell),
	} {
		told = nil
		wantStatus(t, name, h, request(t, webhook(t, name)), http.StatusInternalServerError)
		if !errors.Is(told, verifier.ErrMisconfigured) {
			t.Errorf("%s: told %v", name, told)
		}
	}
	r.want(t, "at all", 0)
}

func TestWebhooksDuringAnOutage(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL(tenantURL))
	issuer.Fail(http.StatusBadGateway)
	v := newVerifier(t, registered, issuer)
	var r receiver
	w := send(kinde.WebhookHandler(v, tenantURL, r.take), request(t, webhook(t, "event_1")))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	r.want(t, "during the outage", 0)
}

func TestWebhookBodySize(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	var r receiver
	large := signed(t, fmt.Sprintf(`{"data":{"x":%q},"event_id":"e","timestamp":%q,"type":"t"}`,
		bytes.Repeat([]byte("x"), 600<<10), time.Now().Format(time.RFC3339)))
	wantStatus(t, "by default", kinde.WebhookHandler(v, tenantURL, r.take), request(t, large), http.StatusRequestEntityTooLarge)
	wantStatus(t, "allowed", kinde.WebhookHandler(v, tenantURL, r.take, kinde.WithMaxBytes(1<<20)), request(t, large), http.StatusOK)
}
