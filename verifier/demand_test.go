package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

func TestRequirementsHaveNames(t *testing.T) {
	for want, req := range map[string]verifier.Requirement{
		"": {}, "scopes": verifier.Scopes("a"), "any scope": verifier.AnyScope("a"), "claim org": verifier.ClaimEquals("org", "x"),
		"authentication age": verifier.MaxAuthAge(time.Hour), "authentication context": verifier.ACR("gold"),
		"own": verifier.NewRequirement(verifier.RequirementSpec{Name: "own", Scopes: []string{"a"}}),
	} {
		if got := req.Name(); got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}

// What could not stand in a challenge (RFC 6749 §3.3) is a mistake of the program, wherever it is.
func TestScopesThatAreNoneDenyEverything(t *testing.T) {
	token := verified(t, object{"scope": "good", "acr": "good"})
	for _, bad := range []string{"", " ", "a b", `a"b`, `a\b`, "a\nb", "caf\u00e9", "\x7f", "\x00"} {
		for name, req := range map[string]verifier.Requirement{
			"Scopes, first": verifier.Scopes(bad), "Scopes, last": verifier.Scopes("good", bad), "AnyScope, first": verifier.AnyScope(bad, "good"),
			"AnyScope, last": verifier.AnyScope("good", bad), "ACR": verifier.ACR("good", bad),
		} {
			if got := reasonOf(t, token.Require(t.Context(), req)); got != verifier.ReasonMisconfigured || req.Name() != "" {
				t.Errorf("%s with %q: %q", name, bad, got)
			}
		}
	}
}

// What an own check returns decides what the caller is told.
func TestOwnChecksAreToldApart(t *testing.T) {
	token := verified(t, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	boom := errors.New("boom")
	mine := &verifier.Error{Reason: verifier.ReasonStepUp, MaxAge: time.Minute}
	for name, tt := range map[string]struct {
		ctx    context.Context //nolint:containedctx // of a case
		scopes []string
		err    error
		want   verifier.Reason
		named  []string
	}{
		"an error":                         {t.Context(), nil, boom, verifier.ReasonRequirement, nil},
		"an error, with scopes":            {t.Context(), []string{"a", "b"}, boom, verifier.ReasonScope, []string{"a", "b"}},
		"an error of nobody's":             {t.Context(), nil, fmt.Errorf("db: %w", verifier.ErrUnavailable), verifier.ReasonRequirementUnavailable, nil},
		"the same, with scopes":            {t.Context(), []string{"a"}, verifier.ErrUnavailable, verifier.ReasonRequirementUnavailable, nil},
		"an error after the caller left":   {gone, []string{"a"}, boom, verifier.ReasonCanceled, nil},
		"nobody's after the caller left":   {gone, nil, verifier.ErrUnavailable, verifier.ReasonCanceled, nil},
		"an *Error":                        {t.Context(), nil, mine, verifier.ReasonStepUp, nil},
		"an *Error, wrapped":               {t.Context(), nil, fmt.Errorf("own: %w", mine), verifier.ReasonStepUp, nil},
		"an *Error after the caller left":  {gone, nil, mine, verifier.ReasonStepUp, nil},
		"met, although the caller is gone": {gone, nil, nil, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			req := verifier.NewRequirement(verifier.RequirementSpec{
				Name: "own", Scopes: tt.scopes, Check: func(context.Context, *verifier.Token) error { return tt.err },
			})
			err := token.Require(tt.ctx, req)
			if got := reasonOf(t, err); got != tt.want {
				t.Fatalf("reason %q, want %q", got, tt.want)
			}
			var e *verifier.Error
			if errors.As(err, &e) && (!slices.Equal(e.Scopes, tt.named) || (e.RetryAfter > 0) != errors.Is(err, verifier.ErrUnavailable) && e.Reason != verifier.ReasonCanceled) {
				t.Errorf("scopes %q, retry after %v", e.Scopes, e.RetryAfter)
			}
			if tt.err != nil && !errors.Is(err, tt.err) && !errors.Is(tt.err, err) {
				t.Errorf("error %v hides %v", err, tt.err)
			}
		})
	}
	// A requirement in between that is none adds no scope to the challenge.
	err := token.Require(t.Context(), verifier.Scopes("openid"), verifier.Scopes("a"), verifier.Requirement{}, verifier.Scopes("b"))
	var e *verifier.Error
	if !errors.As(err, &e) || !slices.Equal(e.Scopes, []string{"openid", "a", "b"}) {
		t.Errorf("error %v with scopes %q", err, e.Scopes)
	}
}

// Only a JSON string equals a string, however it is spelled.
func TestClaimEqualsComparesStringsAlone(t *testing.T) {
	raw := `{"iss":"` + issuerURL + `","aud":"` + audience + `","exp":` + fmt.Sprint(now.Unix()+60) +
		`,"plain":"caf\u00e9","es\u0063aped":"x","n":7,"b":true,"z":null,"list":["x"],"o":{"plain":"y"},"":"empty","PLAIN":"other","a.b":"dotted","\ud83d\ude00":"smile"}`
	token, err := newVerifier(t, goodPolicy()).Verify(t.Context(), sign(t, goodHeader(), raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, equals string
		met          bool
		value        string // "" if absent
	}{
		{"plain", "caf\u00e9", true, `"caf\u00e9"`}, {"plain", `caf\u00e9`, false, `"caf\u00e9"`}, {"escaped", "x", true, `"x"`},
		{`es\u0063aped`, "x", false, ""}, {"n", "7", false, "7"}, {"b", "true", false, "true"}, {"z", "", false, "null"}, {"z", "null", false, "null"},
		{"list", "x", false, `["x"]`}, {"o", "y", false, `{"plain":"y"}`}, {"o.plain", "y", false, ""}, {"", "empty", true, `"empty"`},
		{"PLAIN", "other", true, `"other"`}, {"Plain", "other", false, ""}, {"a.b", "dotted", true, `"dotted"`}, {"\U0001F600", "smile", true, `"smile"`},
		{"absent", "", false, ""}, {"plain\x00", "caf\u00e9", false, ""},
	} {
		value, ok := token.Claim(tt.name)
		if string(value) != tt.value || ok != (tt.value != "") {
			t.Errorf("claim %q is %s, %v; want %s", tt.name, value, ok, tt.value)
		}
		err := token.Require(t.Context(), verifier.ClaimEquals(tt.name, tt.equals))
		if got := reasonOf(t, err); (got == "") != tt.met || got != "" && got != verifier.ReasonRequirement {
			t.Errorf("claim %q equal to %q: %q", tt.name, tt.equals, got)
		}
		for i := range value {
			value[i] = '!' // it is the caller's
		}
		if again, _ := token.Claim(tt.name); string(again) != tt.value {
			t.Errorf("claim %q changed with the caller's memory: %s", tt.name, again)
		}
	}
	if err := token.Claims(new([]string)); err == nil || !strings.HasPrefix(err.Error(), "verifier: decode claims: ") {
		t.Errorf("claims into a list: %v", err)
	}
}
