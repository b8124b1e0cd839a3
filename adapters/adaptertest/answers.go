package adaptertest

import (
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func missingScopes(f *fixture) {
	r := f.route(f.guard(), verifier.Scopes("read"), verifier.Scopes("write", "list"), verifier.Scopes("write", "admin"))
	r.refuses("three missing", ask{authorization: []string{f.good("ada")}}, refusal{
		status: http.StatusForbidden, error: "insufficient_scope", reason: string(verifier.ReasonScope),
		also: map[string]string{"scope": "read write list admin"},
	})
}

func requirementWithoutScope(f *fixture) {
	r := f.route(f.guard(), verifier.ClaimEquals("sub", "ada"))
	r.passes("met", ask{authorization: []string{f.good("ada")}}, "ada")
	r.refuses("not met", ask{authorization: []string{f.good("bob")}}, refusal{
		status: http.StatusForbidden, error: "insufficient_scope", reason: string(verifier.ReasonRequirement),
	})
}

func everyRequirement(f *fixture) {
	met, not := verifier.Scopes("read"), verifier.ClaimEquals("sub", "bob")
	forbidden := refusal{status: http.StatusForbidden, error: "insufficient_scope"}
	for what, reqs := range map[string][]verifier.Requirement{"the first": {not, met}, "the last": {met, not}} {
		r := f.route(f.guard(), reqs...)
		r.refuses(what, ask{authorization: []string{f.good("ada")}}, forbidden)
		r.passes("all met", ask{authorization: []string{f.good("bob")}}, "bob")
	}
}

func stepUp(f *fixture) {
	want := refusal{
		status: http.StatusUnauthorized, error: "insufficient_user_authentication", reason: string(verifier.ReasonStepUp),
	}
	good := ask{authorization: []string{f.good("ada")}}
	want.also = map[string]string{"max_age": "300"}
	f.route(f.guard(), verifier.MaxAuthAge(5*time.Minute)).refuses("old", good, want)
	want.also = map[string]string{"acr_values": "gold silver"}
	f.route(f.guard(), verifier.ACR("gold", "silver")).refuses("weak", good, want)
}

// keysNotAvailable is the case where a 401 would sign everybody out.
func keysNotAvailable(f *fixture) {
	f.issuer.Fail(http.StatusInternalServerError)
	r := f.route(f.guard())
	r.refuses("good token", ask{authorization: []string{f.good("ada")}}, refusal{
		status: http.StatusServiceUnavailable, reason: string(verifier.ReasonKeysUnavailable),
	})
	r.refuses("no token", ask{}, unauthorized)
}

func zeroRequirement(f *fixture) {
	r := f.route(f.guard(), verifier.Requirement{})
	r.refuses("good token", ask{authorization: []string{f.good("ada")}}, refusal{
		status: http.StatusInternalServerError, reason: string(verifier.ReasonMisconfigured),
	})
}

func nilGuard(f *fixture) {
	r := f.route(nil)
	want := refusal{status: http.StatusInternalServerError, reason: string(verifier.ReasonMisconfigured)}
	r.refuses("good token", ask{authorization: []string{f.good("ada")}}, want)
	r.refuses("no token", ask{}, want)
}

func realm(f *fixture) {
	r := f.route(f.guard(guard.WithRealm("the books")))
	want := refusal{status: http.StatusUnauthorized, also: map[string]string{"realm": "the books"}}
	r.refuses("no token", ask{}, want)
	want.error = "invalid_token"
	r.refuses("bad token", ask{authorization: []string{"Bearer x"}}, want)
}

func errorBody(f *fixture) {
	r := f.route(f.guard(guard.WithErrorBody(func(d guard.Decision) (string, []byte) {
		return "text/x-own; charset=utf-8", fmt.Appendf(nil, "own body for %d", d.Status())
	})))
	got := r.do(ask{})
	if got.status != http.StatusUnauthorized || got.body != "own body for 401" {
		f.Errorf("status %d, body %q, want 401 with the body of the guard's hook", got.status, got.body)
	}
	if ct := got.header.Get("Content-Type"); ct != "text/x-own; charset=utf-8" {
		f.Errorf("Content-Type %q, want that of the guard's hook", ct)
	}
	r.challenged("no token", got, unauthorized)
	if n := len(r.take()); n != 0 {
		f.Errorf("the handler was called %d times", n)
	}
}

func head(f *fixture) {
	r := f.route(f.guard())
	r.refuses("no token", ask{method: http.MethodHead}, unauthorized)
	r.passes("good token", ask{method: http.MethodHead, authorization: []string{f.good("ada")}}, "ada")
}

func resourceMetadata(f *fixture) {
	const url = "https://api.test/.well-known/oauth-protected-resource/books"
	r := f.route(f.guard(guard.WithResourceMetadata(url)), verifier.Scopes("write"))
	told := func(want refusal) refusal {
		want.metadata = url
		return want
	}
	r.refuses("no token", ask{}, told(unauthorized))
	r.refuses("bad token", ask{authorization: []string{"Bearer x"}}, told(invalidToken))
	r.refuses("broken header", ask{authorization: []string{"Bearer"}}, told(badRequest))
	r.refuses("missing scope", ask{authorization: []string{f.good("ada")}}, refusal{
		status: http.StatusForbidden, error: "insufficient_scope", also: map[string]string{"scope": "write"}, metadata: url,
	})
}

func severalChallenges(f *fixture) {
	r := f.route(f.guard(guard.WithDPoP(guard.DPoP{})))
	told := func(want refusal, on string) refusal {
		want.dpop, want.on = true, on
		return want
	}
	r.refuses("no token", ask{}, told(unauthorized, ""))
	r.refuses("bad bearer token", ask{authorization: []string{"Bearer x"}}, told(invalidToken, ""))
	r.refuses("no proof", ask{authorization: []string{"DPoP x"}}, withProof(verifier.ReasonProofMissing))
}

// timed is all that the field may hold: a number between fixed texts.
var timed = regexp.MustCompile(`^keychorus;dur=[0-9]{1,6}\.[0-9]{3};desc="[a-z ]+"$`)

// serverTiming asks for the field, and then does not.
func serverTiming(f *fixture) {
	on, off := f.route(f.guard(guard.WithServerTiming())), f.route(f.guard())
	for what, a := range map[string]ask{
		"good token": {authorization: []string{f.good("ada")}}, "no token": {}, "bad token": {authorization: []string{"Bearer x"}},
	} {
		if values := on.do(a).header.Values("Server-Timing"); len(values) != 1 || !timed.MatchString(values[0]) {
			f.Errorf("%s: Server-Timing %q, want the time of the check", what, values)
		}
		if values := off.do(a).header.Values("Server-Timing"); len(values) != 0 {
			f.Errorf("%s: Server-Timing %q, though nobody asked for it", what, values)
		}
	}
}
