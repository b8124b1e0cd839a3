package kinde_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestParseWebhook(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	e, err := kinde.ParseWebhook(t.Context(), v, tenantURL, []byte(signed(t, payloads.webhook)))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "id", e.ID, "event_0193aa10")
	equal(t, "type", e.Type, kinde.UserUpdated)
	equal(t, "source", e.Source, "admin")
	equal(t, "time", e.Time.UTC().Format(time.RFC3339Nano), "2026-01-01T00:00:00.592145Z")
	equal(t, "event time", e.EventTime.Equal(issued), true)
	equal(t, "delivery", e.DeliveryID, "")
	type data struct {
		User struct {
			ID    string `json:"id"`
			Phone string `json:"phone"`
		} `json:"user"`
	}
	d, err := kinde.EventData[data](e)
	if err != nil || d.User.ID != "kp_0f9e" || d.User.Phone != "" {
		t.Errorf("data %+v, error %v", d, err)
	}
	if _, err := kinde.EventData[[]string](e); err == nil {
		t.Error("data of another type was decoded")
	}
}

func TestParseWebhookRows(t *testing.T) {
	v := tenantVerifier(t, tenantPolicy(t, registered))
	with := func(old, replacement string) string { return strings.Replace(payloads.webhook, old, replacement, 1) }
	for _, tt := range []struct {
		name, payload string
		want          verifier.Reason
	}{
		{"whole", payloads.webhook, ""},
		{"of a type that is new", with("user.updated", "shelf.moved"), ""},
		{"older, without event_timestamp", with(`"event_timestamp":"2026-01-01T00:00:00.000Z",`, ""), ""},
		{"without timestamp", with(`"timestamp"`, `"stamp"`), ""},
		{"without source", with(`"source"`, `"src"`), ""},
		{"with an address", with(`"source"`, `"ip_address":"192.0.2.1","source"`), ""},
		{"empty data", `{"data":{},"event_id":"e","timestamp":"2026-01-01T00:00:00Z","type":"t"}`, ""},

		{"access token", payloads.full, verifier.ReasonNotDocument},
		{"token of a machine", payloads.machine, verifier.ReasonNotDocument},
		{"ID token", payloads.idToken, verifier.ReasonNotDocument},
		{"with exp", with(`"source"`, `"exp":1767312000,"source"`), verifier.ReasonNotDocument},
		{"without either time", `{"data":{},"event_id":"e","type":"t"}`, verifier.ReasonMalformed},
		{"without id", with(`"event_id"`, `"event"`), verifier.ReasonMalformed},
		{"empty id", with(`"event_0193aa10"`, `""`), verifier.ReasonMalformed},
		{"id a number", with(`"event_0193aa10"`, `7`), verifier.ReasonMalformed},
		{"without type", with(`"type":"user.updated"`, `"kind":"user.updated"`), verifier.ReasonMalformed},
		{"type null", with(`"user.updated"`, `null`), verifier.ReasonMalformed},
		{"without data", with(`"data"`, `"date"`), verifier.ReasonMalformed},
		{"data a list", `{"data":[],"event_id":"e","timestamp":"2026-01-01T00:00:00Z","type":"t"}`, verifier.ReasonMalformed},
		{"time a number", with(`"2026-01-01T10:00:00.592145+10:00"`, "1767225600"), verifier.ReasonMalformed},
		{"time of another form", with(`"2026-01-01T10:00:00.592145+10:00"`, `"yesterday"`), verifier.ReasonMalformed},
		{"source a number", with(`"admin"`, "7"), verifier.ReasonMalformed},
		{"empty object", "{}", verifier.ReasonMalformed},
		{"list", "[]", verifier.ReasonMalformed},
	} {
		e, err := kinde.ParseWebhook(t.Context(), v, tenantURL, []byte(signed(t, tt.payload)))
		var got verifier.Reason
		if ve, ok := errors.AsType[*verifier.Error](err); ok {
			got = ve.Reason
		}
		if got != tt.want || (e == nil) != (err != nil) {
			t.Errorf("%s: reason %q, want %q (event %v, error %v)", tt.name, got, tt.want, e, err)
		}
	}
}

// With a custom domain there are two issuers, and a webhook is good for the one whose key made it.
func TestWebhooksAreBoundToTheirIssuer(t *testing.T) {
	people := verifiertest.NewIssuer(t, verifiertest.WithURL("https://auth.bookshop.example"))
	machines := verifiertest.NewIssuer(t, verifiertest.WithURL(tenantURL))
	v := newVerifier(t, kinde.Config{
		Domain: "auth.bookshop.example", ExtraDomains: []string{"bookshop"}, Audiences: []string{audience},
	}, people, machines)
	body := []byte(machines.Token(devissuer.WebhookClaims()))
	if _, err := kinde.ParseWebhook(t.Context(), v, machines.URL(), body); err != nil {
		t.Error(err)
	}
	if e, err := kinde.ParseWebhook(t.Context(), v, people.URL(), body); !errors.Is(err, verifier.ErrInvalidToken) {
		t.Errorf("event %v, error %v", e, err)
	}
	if e, err := kinde.ParseWebhook(t.Context(), v, "https://staging.kinde.com", body); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("event %v, error %v", e, err)
	}
}
