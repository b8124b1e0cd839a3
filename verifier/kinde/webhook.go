package kinde

import (
	"context"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
)

const (
	defaultBodyBytes = 256 << 10
	maxBodyBytes     = 1 << 20 // what VerifyDocument reads
	defaultEventAge  = 48 * time.Hour
	minEventAge      = time.Minute
	maxEventAge      = 30 * 24 * time.Hour
	defaultTime      = 30 * time.Second
	maxTime          = 10 * time.Minute
	// maxClockSkew is how far Kinde's clock may be ahead.
	maxClockSkew = 5 * time.Minute
)

// Why a webhook was not handled, for [WithErrors].
var (
	// ErrStale means that the webhook is older than [WithMaxAge], or from the future.
	ErrStale = errors.New("kinde: the webhook is too old or from the future")
	// ErrUnderWay means that the event is being handled, or was about to be when an attempt
	// failed a moment ago.
	ErrUnderWay = errors.New("kinde: another attempt to handle the event is under way")
	// ErrRequest means that the request is not that of a webhook.
	ErrRequest = errors.New("kinde: the request is not a webhook")
)

// WebhookHandler answers the webhooks of issuer, a domain of v's policy, and calls h for each
// event once it succeeded: never again after h returned nil, again with one of Kinde's next
// attempts after an error. Kinde attempts for some 36 hours until it gets 200, and events
// arrive in no particular order.
//
//	200  h returned nil, now or for an earlier attempt
//	400  the body is no webhook of the issuer, or is stale
//	405, 413, 415  not POST, too large, not application/jwt
//	500  h returned an error, or this handler is misconfigured
//	503  the keys or the [keystore.Replay] cannot tell now, or the event is under way
//
// Answers say nothing more; [WithErrors] tells why.
//
// The body is signed and the header webhook-id is not, so events are told apart by event_id,
// and whoever caught a webhook cannot have it handled again under another webhook-id. The
// context of h carries the deadline of [WithTimeout], after which another attempt may call h
// while it still runs; a panic passes through. A process that ends while h runs does not
// know whether it was done: h is then called again, so it should do no harm twice.
//
// A nil v, an empty issuer and a bad option make a handler that answers 500, and tells why.
// A nil h does too.
func WebhookHandler(
	v *verifier.Verifier, issuer string, h func(context.Context, *Event) error, opts ...WebhookOption,
) http.Handler {
	w := &webhook{
		verifier: v, issuer: issuer, handle: h,
		maxBytes: defaultBodyBytes, maxAge: defaultEventAge, timeout: defaultTime,
		tell: func(context.Context, error) {},
	}
	var problems []error
	for _, o := range opts {
		if o == nil {
			problems = append(problems, errors.New("kinde: a WebhookOption is nil"))
			continue
		}
		if err := o.apply(w); err != nil {
			problems = append(problems, err)
		}
	}
	if w.events.replay == nil {
		w.events.replay = memory.NewReplay()
	}
	if v == nil || issuer == "" || h == nil {
		problems = append(problems, errors.New("kinde: WebhookHandler needs a verifier, an issuer and a function"))
	}
	if len(problems) > 0 {
		w.problem = errors.Join(append([]error{verifier.ErrMisconfigured}, problems...)...)
	}
	return w
}

type webhook struct {
	verifier *verifier.Verifier
	issuer   string
	handle   func(context.Context, *Event) error
	tell     func(context.Context, error)
	maxBytes int64
	maxAge   time.Duration
	timeout  time.Duration
	events   ledger
	problem  error
}

// ServeHTTP answers one attempt.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, retry, err := h.serve(w, r)
	if err != nil {
		h.tell(r.Context(), err)
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status) // for 200 too: Kinde reads no more than the status
}

func (h *webhook) serve(w http.ResponseWriter, r *http.Request) (status int, retry time.Duration, err error) {
	if h.problem != nil {
		return http.StatusInternalServerError, 0, h.problem
	}
	body, status := h.read(w, r)
	if status != http.StatusOK {
		return status, 0, ErrRequest
	}
	event, err := ParseWebhook(r.Context(), h.verifier, h.issuer, body)
	if err != nil {
		status, retry := answerTo(err)
		return status, retry, err
	}
	if age := time.Since(event.Time); age > h.maxAge || age < -maxClockSkew {
		return http.StatusBadRequest, 0, ErrStale
	}
	event.DeliveryID = r.Header.Get("Webhook-Id")
	return h.deliver(r.Context(), event)
}

// read returns the body, or the status of a request that has none for us.
func (h *webhook) read(w http.ResponseWriter, r *http.Request) ([]byte, int) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return nil, http.StatusMethodNotAllowed
	case err != nil || media != "application/jwt" || r.Header.Get("Content-Encoding") != "":
		return nil, http.StatusUnsupportedMediaType
	case r.ContentLength > h.maxBytes:
		return nil, http.StatusRequestEntityTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	return body, http.StatusOK
}

// answerTo tells how to answer an error of ParseWebhook. What is wrong with the body is 400,
// since a 401 would have to name a way to authenticate (RFC 9110 §15.5.2).
func answerTo(err error) (status int, retry time.Duration) {
	var e *verifier.Error
	switch {
	case errors.As(err, &e) && errors.Is(e, verifier.ErrUnavailable):
		return http.StatusServiceUnavailable, e.RetryAfter
	case errors.Is(err, verifier.ErrInvalidToken):
		return http.StatusBadRequest, 0
	default:
		return http.StatusInternalServerError, 0
	}
}

// deliver calls the function, unless that was done.
func (h *webhook) deliver(ctx context.Context, event *Event) (status int, retry time.Duration, err error) {
	key := h.issuer + " " + event.ID
	switch turn, err := h.events.begin(ctx, key, h.timeout); {
	case err != nil:
		return http.StatusServiceUnavailable, retryAfter, err
	case turn == done:
		return http.StatusOK, 0, nil
	case turn == underWay:
		return http.StatusServiceUnavailable, h.timeout, ErrUnderWay
	}
	result := failed
	defer func() { h.events.end(key, result) }() // also after a panic
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	if err := h.handle(limited, event); err != nil {
		return http.StatusInternalServerError, 0, err
	}
	result = done
	// When the event is forgotten, this body must be too old to be accepted, and so must one
	// that was made for a later attempt.
	return http.StatusOK, 0, h.events.record(context.WithoutCancel(ctx), key, 2*h.maxAge+maxClockSkew)
}
