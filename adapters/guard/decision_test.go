package guard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func wantAnswer(t *testing.T, d guard.Decision, body string, header http.Header) {
	t.Helper()
	if got := string(d.Body()); got != body {
		t.Errorf("body %s\nwant %s", got, body)
	}
	if got := d.Header(); !maps.EqualFunc(got, header, slices.Equal) {
		t.Errorf("header %q\nwant   %q", got, header)
	}
}

func refusalHeader(challenge string) http.Header {
	h := http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}}
	if challenge != "" {
		h.Set("WWW-Authenticate", challenge)
	}
	return h
}

func TestAnswers(t *testing.T) {
	g, issuer := newGuard(t, guard.WithRealm("books & more"))
	good := authorized("Bearer " + mint(t, issuer, nil))
	const realm = `Bearer realm="books & more"`
	for _, tt := range []struct {
		name      string
		request   guard.Request
		reqs      []verifier.Requirement
		status    int
		code      uint32
		challenge string
		body      string
	}{
		{
			"no credentials", authorized(), nil, 401, 16, realm,
			`{"type":"about:blank","title":"Unauthorized","status":401}`,
		}, {
			"broken header", authorized("Bearer"), nil, 400, 3,
			realm + `, error="invalid_request", error_description="the Authorization header is malformed"`,
			`{"type":"about:blank","title":"Bad Request","status":400,"reason":"malformed_header",` +
				`"error":"invalid_request","error_description":"the Authorization header is malformed"}`,
		}, {
			"bad token", authorized("Bearer x"), nil, 401, 16,
			realm + `, error="invalid_token", error_description="the access token is not a JWT"`,
			`{"type":"about:blank","title":"Unauthorized","status":401,"reason":"opaque",` +
				`"error":"invalid_token","error_description":"the access token is not a JWT"}`,
		}, {
			"scopes of all requirements", good,
			[]verifier.Requirement{verifier.Scopes("openid"), verifier.Scopes("a", "b"), verifier.Scopes("b", "c")}, 403, 7,
			realm + `, error="insufficient_scope", error_description="the access token lacks a required scope", scope="openid a b c"`,
			`{"type":"about:blank","title":"Forbidden","status":403,"reason":"scope",` +
				`"error":"insufficient_scope","error_description":"the access token lacks a required scope"}`,
		}, {
			"requirement without a scope", good, []verifier.Requirement{verifier.ClaimEquals("sub", "x")}, 403, 7,
			realm + `, error="insufficient_scope", error_description="the access token does not grant this"`,
			`{"type":"about:blank","title":"Forbidden","status":403,"reason":"requirement",` +
				`"error":"insufficient_scope","error_description":"the access token does not grant this"}`,
		}, {
			"old login", good, []verifier.Requirement{verifier.MaxAuthAge(5 * time.Minute)}, 401, 16,
			realm + `, error="insufficient_user_authentication", ` +
				`error_description="a more recent or stronger authentication is required", max_age="300"`,
			`{"type":"about:blank","title":"Unauthorized","status":401,"reason":"step_up",` +
				`"error":"insufficient_user_authentication","error_description":"a more recent or stronger authentication is required"}`,
		}, {
			"weak login", good, []verifier.Requirement{verifier.ACR("gold", "silver")}, 401, 16,
			realm + `, error="insufficient_user_authentication", ` +
				`error_description="a more recent or stronger authentication is required", acr_values="gold silver"`,
			`{"type":"about:blank","title":"Unauthorized","status":401,"reason":"step_up",` +
				`"error":"insufficient_user_authentication","error_description":"a more recent or stronger authentication is required"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := g.Check(t.Context(), tt.request, tt.reqs...)
			if d.Allowed() || d.Status() != tt.status || d.Code() != tt.code {
				t.Errorf("allowed %t, status %d, code %d", d.Allowed(), d.Status(), d.Code())
			}
			wantAnswer(t, d, tt.body, refusalHeader(tt.challenge))
		})
	}
}

// Whatever a requirement of the program returns, the answer follows the reason's root.
func TestEveryReason(t *testing.T) {
	g, issuer := newGuard(t)
	request := authorized("Bearer " + mint(t, issuer, nil))
	type answer struct {
		status int
		code   uint32
		error  string
		retry  bool
	}
	answers := map[error]answer{
		verifier.ErrNoCredentials:  {401, 16, "", false},
		verifier.ErrInvalidRequest: {400, 3, "invalid_request", false},
		verifier.ErrInvalidToken:   {401, 16, "invalid_token", false},
		verifier.ErrStepUp:         {401, 16, "insufficient_user_authentication", false},
		verifier.ErrForbidden:      {403, 7, "insufficient_scope", false},
		verifier.ErrUnavailable:    {503, 14, "", true},
		verifier.ErrMisconfigured:  {500, 13, "", false},
	}
	for r := range verifier.Reasons() {
		t.Run(string(r), func(t *testing.T) {
			want, ok := answers[r.Root()]
			if !ok {
				t.Fatalf("no answer for root %v", r.Root())
			}
			if strings.HasPrefix(string(r), "dpop_") { // RFC 9449 §7.1, §9
				want.error = map[bool]string{false: "invalid_dpop_proof", true: "use_dpop_nonce"}[r == verifier.ReasonProofNonce]
			}
			d := g.Check(t.Context(), request, failing(fmt.Errorf("wrapped: %w", &verifier.Error{Reason: r})))
			var body struct {
				Title  string `json:"title"`
				Status int    `json:"status"`
				Reason string `json:"reason"`
				Error  string `json:"error"`
			}
			if err := json.Unmarshal(d.Body(), &body); err != nil {
				t.Fatal(err)
			}
			_, challenged := d.Header()["Www-Authenticate"]
			got := answer{d.Status(), d.Code(), body.Error, d.Header().Get("Retry-After") != ""}
			if got != want || challenged != (want.status < 500) || body.Status != want.status || body.Title != http.StatusText(want.status) {
				t.Errorf("answer %+v, want %+v; challenged %t; body %+v", got, want, challenged, body)
			}
			if wantReason := string(r); body.Reason != wantReason && r != verifier.ReasonNoCredentials {
				t.Errorf("reason %q", body.Reason)
			}
			if !errors.Is(d.Err(), r.Root()) {
				t.Errorf("error %v has another root", d.Err())
			}
		})
	}
}

func TestParameters(t *testing.T) {
	g, issuer := newGuard(t)
	request := authorized("Bearer " + mint(t, issuer, nil))
	const stepUp = `Bearer realm="api", error="insufficient_user_authentication", ` +
		`error_description="a more recent or stronger authentication is required"`
	const forbidden = `Bearer realm="api", error="insufficient_scope", error_description="the access token does not grant this"`
	hostile := []string{"a\"b", "a\\", "a b", "a\r\nX: y", "é", "\x00", "", "good", "good"}
	for _, tt := range []struct {
		name  string
		err   verifier.Error
		field string
		want  string
	}{
		{"both of step-up", verifier.Error{Reason: verifier.ReasonStepUp, MaxAge: time.Minute, ACRValues: []string{"gold"}},
			"WWW-Authenticate", stepUp + `, acr_values="gold", max_age="60"`},
		{"neither of step-up", verifier.Error{Reason: verifier.ReasonStepUp}, "WWW-Authenticate", stepUp + `, max_age="0"`},
		{"negative age", verifier.Error{Reason: verifier.ReasonStepUp, MaxAge: -time.Hour}, "WWW-Authenticate", stepUp + `, max_age="0"`},
		{"hostile acr", verifier.Error{Reason: verifier.ReasonStepUp, ACRValues: hostile}, "WWW-Authenticate", stepUp + `, acr_values="good"`},
		{"hostile scopes", verifier.Error{Reason: verifier.ReasonRequirement, Scopes: hostile}, "WWW-Authenticate", forbidden + `, scope="good"`},
		{"no good scope", verifier.Error{Reason: verifier.ReasonRequirement, Scopes: hostile[:7]}, "WWW-Authenticate", forbidden},
		{"retry at once", verifier.Error{Reason: verifier.ReasonBusy}, "Retry-After", "1"},
		{"retry in the past", verifier.Error{Reason: verifier.ReasonBusy, RetryAfter: -time.Hour}, "Retry-After", "1"},
		{"retry in a moment", verifier.Error{Reason: verifier.ReasonBusy, RetryAfter: 1}, "Retry-After", "1"},
		{"retry rounded up", verifier.Error{Reason: verifier.ReasonBusy, RetryAfter: 20*time.Second + 1}, "Retry-After", "21"},
		{"retry exactly", verifier.Error{Reason: verifier.ReasonBusy, RetryAfter: 20 * time.Second}, "Retry-After", "20"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := g.Check(t.Context(), request, failing(&tt.err))
			if got := d.Header().Get(tt.field); got != tt.want {
				t.Errorf("%s: %s\nwant %s", tt.field, got, tt.want)
			}
		})
	}
}

// What a Decision hands out belongs to the caller.
func TestDecisionIsInert(t *testing.T) {
	g, _ := newGuard(t)
	d := g.Check(t.Context(), authorized("Bearer x"))
	header, body := d.Header(), d.Body()
	d.Header().Set("WWW-Authenticate", "changed")
	d.Header()["Cache-Control"][0] = "changed"
	d.Body()[0] = 'x'
	wantAnswer(t, d, string(body), header)
}
