package kinde

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/verifier"
)

// EventType is the type of a webhook. Kinde adds types: a program should ignore, with a nil
// error, those it does not know.
type EventType string

// The types that Kinde documents by name. There are others that begin with role.,
// permission. and customer.
const (
	UserCreated              EventType = "user.created"
	UserUpdated              EventType = "user.updated"
	UserDeleted              EventType = "user.deleted"
	UserAuthenticated        EventType = "user.authenticated"
	UserAuthenticationFailed EventType = "user.authentication_failed"
	OrganizationCreated      EventType = "organization.created"
	OrganizationUpdated      EventType = "organization.updated"
	OrganizationDeleted      EventType = "organization.deleted"
	SubscriberCreated        EventType = "subscriber.created"
	AccessRequestCreated     EventType = "access_request.created"
	PasskeyAdded             EventType = "passkey.added"
	PasskeyRemoved           EventType = "passkey.removed"
)

// Event is what a webhook tells. It holds personal data.
type Event struct {
	// ID is event_id, under which the Management API has the event too.
	ID string
	// Type is type.
	Type EventType
	// Source is source, such as admin, api or user; "" if absent.
	Source string
	// Time is timestamp, or else event_timestamp: when the webhook was made.
	Time time.Time
	// EventTime is event_timestamp, which older webhooks lack; the zero time if absent.
	EventTime time.Time
	// DeliveryID is the header webhook-id, the same for each attempt; "" from [ParseWebhook].
	// It is not signed.
	DeliveryID string
	// Data is data, a JSON object whose members depend on Type, see [EventData].
	Data []byte
}

// EventData decodes an event's data into a new T by the rules of encoding/json/v2:
//
//	type userData struct {
//		User struct {
//			ID    string `json:"id"`
//			Email string `json:"email"`
//		} `json:"user"`
//	}
//	data, err := kinde.EventData[userData](event)
func EventData[T any](e *Event) (T, error) {
	var data T
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return data, fmt.Errorf("kinde: decode event data: %w", err)
	}
	return data, nil
}

// ParseWebhook verifies the body of a webhook with the keys of issuer, a domain of the policy,
// as [verifier.Verifier.VerifyDocument] does, and reads the event. It judges neither age nor
// repetition: [WebhookHandler] does. Every error has an [*verifier.Error] in its chain; a
// signed body that is no event is [verifier.ReasonMalformed].
func ParseWebhook(ctx context.Context, v *verifier.Verifier, issuer string, body []byte) (*Event, error) {
	payload, err := v.VerifyDocument(ctx, issuer, string(body))
	if err != nil {
		return nil, err
	}
	members, ok := readObject(payload)
	if !ok {
		return nil, noEvent("the payload")
	}
	r := reader{members: members}
	e := &Event{
		ID: read(&r, readName, "event_id"), Type: EventType(read(&r, readName, "type")),
		Source: read(&r, readText, "source"),
		Time:   read(&r, readTime, "timestamp", "event_timestamp"), EventTime: read(&r, readTime, "event_timestamp"),
		Data: read(&r, readData, "data"),
	}
	switch {
	case len(r.problems) > 0:
		return nil, fmt.Errorf("%w: %w", r.problems[0], &verifier.Error{Reason: verifier.ReasonMalformed})
	case e.ID == "":
		return nil, noEvent("event_id")
	case e.Type == "":
		return nil, noEvent("type")
	case e.Time.IsZero():
		return nil, noEvent("timestamp")
	case e.Data == nil:
		return nil, noEvent("data")
	}
	return e, nil
}

// noEvent says what a signed body lacks to be an event.
func noEvent(member string) error {
	return fmt.Errorf("%w: %w", &claimError{member, ErrAbsent}, &verifier.Error{Reason: verifier.ReasonMalformed})
}

func readData(value jsontext.Value) ([]byte, bool) { return value, value.Kind() == '{' }
