package devissuer_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// shaped mints a shape and returns its payload.
func shaped(t *testing.T, issuer *devissuer.Issuer, s devissuer.Shape) map[string]any {
	t.Helper()
	claims, err := issuer.Shaped(s)
	if err != nil {
		t.Fatal(err)
	}
	_, payload := mint(t, issuer, claims)
	return payload
}

func TestEveryShapeHasItsMembers(t *testing.T) {
	issuer := newIssuer(t, issuerURL, devissuer.WithAudience("https://api.test"))
	const (
		registered = "aud azp exp iat iss jti"
		trial      = "has_trial_period organization_properties trial_expires_on user_properties email"
		person     = registered + " scp sub " + trial + " org_code org_name permissions roles feature_flags"
		machine    = registered + " gty scope"
	)
	want := map[devissuer.Shape]string{
		devissuer.ShapeUser: registered + " scp sub", devissuer.ShapeNoAudience: registered + " scp sub",
		devissuer.ShapeOrganization: person, devissuer.ShapeEmptied: person,
		devissuer.ShapeHasura: registered + " scp sub " + trial + " x-hasura-org-code x-hasura-org-codes x-hasura-org-name " +
			"x-hasura-permissions x-hasura-roles x-hasura-feature-flags",
		devissuer.ShapeCustomized: person + " branch loan_limits https://hasura.io/jwt/claims",
		devissuer.ShapeMachine:    machine + " scp v", devissuer.ShapeOlderMachine: machine, devissuer.ShapeManagement: machine + " scp v",
		devissuer.ShapeOrganizationMachine: machine + " scp v org_code application_properties feature_flags",
		devissuer.ShapeIDToken: registered + " sub at_hash auth_time email email_verified family_name given_name name " +
			"org_codes preferred_username rat updated_at",
		devissuer.ShapeWebhook: "data event_id event_timestamp source timestamp type",
	}
	if len(devissuer.Shapes()) != len(want) {
		t.Errorf("%d shapes, want %d", len(devissuer.Shapes()), len(want))
	}
	for _, s := range devissuer.Shapes() {
		members := strings.Fields(want[s])
		slices.Sort(members)
		if got := slices.Sorted(maps.Keys(shaped(t, issuer, s))); !slices.Equal(got, members) {
			t.Errorf("%s has\n%q, want\n%q", s, got, members)
		}
	}
}

func TestShapesSayWhatTheyAre(t *testing.T) {
	issuer := newIssuer(t, issuerURL, devissuer.WithAudience("https://api.test"), devissuer.WithClock(at(noon)))
	for _, tt := range []struct {
		shape devissuer.Shape
		claim string
		want  any
	}{
		{devissuer.ShapeUser, "aud", []any{"https://api.test"}},
		{devissuer.ShapeNoAudience, "aud", []any{}},
		{devissuer.ShapeHasura, "x-hasura-permissions", []any{"read:books", "write:books"}},
		{devissuer.ShapeEmptied, "permissions", []any{}},
		{devissuer.ShapeEmptied, "roles", []any{}},
		{devissuer.ShapeEmptied, "feature_flags", map[string]any{}},
		{devissuer.ShapeCustomized, "roles", "librarian archivist"},
		{devissuer.ShapeMachine, "scp", []any{"read:books", "write:books"}},
		{devissuer.ShapeOrganizationMachine, "scope", ""},
		{devissuer.ShapeOlderMachine, "scope", "read:books"},
		{devissuer.ShapeManagement, "aud", []any{issuerURL + "/api"}},
		{devissuer.ShapeIDToken, "aud", []any{issuerURL, devissuer.DefaultClientID}},
		{devissuer.ShapeWebhook, "timestamp", noon.Format(time.RFC3339Nano)},
		{devissuer.ShapeWebhook, "event_timestamp", "2030-06-01T12:00:00.000Z"},
	} {
		if got := shaped(t, issuer, tt.shape)[tt.claim]; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %s = %v, want %v", tt.shape, tt.claim, got, tt.want)
		}
	}
}

func TestEventsDiffer(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	if a, b := shaped(t, issuer, devissuer.ShapeWebhook), shaped(t, issuer, devissuer.ShapeWebhook); a["event_id"] == b["event_id"] {
		t.Errorf("two events have the id %v", a["event_id"])
	}
}

func TestUnknownShapesAreErrors(t *testing.T) {
	if claims, err := newIssuer(t, issuerURL).Shaped("refresh-token"); err == nil || claims != nil {
		t.Errorf("claims %v, error %v", claims, err)
	}
}

// What a caller changes in one result is not in the next.
func TestShapesAreCopies(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	for _, s := range devissuer.Shapes() {
		first, err := issuer.Shaped(s)
		if err != nil {
			t.Fatal(err)
		}
		first["sub"], first["permissions"] = "changed", "changed"
		second, err := issuer.Shaped(s)
		if err != nil {
			t.Fatal(err)
		}
		if second["sub"] == "changed" || second["permissions"] == "changed" {
			t.Errorf("%s was changed", s)
		}
	}
}
