package guard_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Every scheme on offer has a challenge of its own. The error stands with the scheme that was
// used (RFC 9449 §7.1, §7.2).
func TestChallenges(t *testing.T) {
	const url = "https://api.test/.well-known/oauth-protected-resource/books"
	const metadata = `, resource_metadata="` + url + `"`
	g, issuer := newGuard(t, guard.WithResourceMetadata(url), guard.WithDPoP(guard.DPoP{Algorithms: []verifier.Algorithm{verifier.ES256, verifier.EdDSA}}))
	strict, err := g.With(guard.WithBoundTokens())
	if err != nil {
		t.Fatal(err)
	}
	certified, err := strict.With(guard.WithMTLS())
	if err != nil {
		t.Fatal(err)
	}
	bearerOnly, err := guard.New(newVerifier(t, issuer), guard.WithResourceMetadata(url))
	if err != nil {
		t.Fatal(err)
	}
	p := newProver(t)
	bound, unbound := p.token(t, issuer), mint(t, issuer, nil)
	const bearer, dpop, algs = `Bearer realm="api"`, `DPoP realm="api"`, `, algs="ES256 EdDSA"`
	failure := func(code, description string) string {
		return `, error="` + code + `", error_description="` + description + `"`
	}
	binding := failure("invalid_token", "the access token is bound to a key that was not proved")
	unboundError := failure("invalid_token", "the access token is not bound to a key")
	for _, tt := range []struct {
		name    string
		guard   *guard.Guard
		request guard.Request
		reqs    []verifier.Requirement
		status  int
		want    []string
	}{
		{"nothing sent", g, authorized(), nil, 401, []string{bearer + metadata, dpop + algs + metadata}},
		{"nothing sent, Bearer alone", bearerOnly, authorized(), nil, 401, []string{bearer + metadata}},
		{"nothing sent, DPoP alone", strict, authorized(), nil, 401, []string{dpop + algs + metadata}},
		{"nothing sent, certificates too", certified, authorized(), nil, 401, []string{bearer + metadata, dpop + algs + metadata}},
		{"two credentials", g, authorized("Bearer x", "DPoP x"), nil, 400, []string{
			bearer + failure("invalid_request", "the request carries more than one credential") + metadata, dpop + algs + metadata}},
		{"broken header", g, proven("DPoP"), nil, 400, []string{
			bearer + metadata, dpop + failure("invalid_request", "the Authorization header is malformed") + algs + metadata}},
		{"bad token as Bearer", g, authorized("Bearer x"), nil, 401, []string{
			bearer + failure("invalid_token", "the access token is not a JWT") + metadata, dpop + algs + metadata}},
		{"bad token as DPoP", g, proven("DPoP x", p.prove(t, "x", nil)), nil, 401, []string{
			bearer + metadata, dpop + failure("invalid_token", "the access token is not a JWT") + algs + metadata}},
		{"no proof", g, proven("DPoP " + bound), nil, 401, []string{
			bearer + metadata, dpop + failure("invalid_dpop_proof", "the request carries no DPoP proof") + algs + metadata}},
		{"proof for another URL", g, proven("DPoP "+bound, p.prove(t, bound, claims{"htu": "https://x.test"})), nil, 401, []string{
			bearer + metadata, dpop + failure("invalid_dpop_proof", "the DPoP proof is for another URL") + algs + metadata}},
		{"bound token as Bearer", g, proven("Bearer " + bound), nil, 401, []string{bearer + binding + metadata, dpop + binding + algs + metadata}},
		{"unbound token as DPoP", g, proven("DPoP "+unbound, p.prove(t, unbound, nil)), nil, 401, []string{
			bearer + unboundError + metadata, dpop + unboundError + algs + metadata}},
		{"unbound token, DPoP alone", strict, proven("Bearer " + unbound), nil, 401, []string{dpop + unboundError + algs + metadata}},
		{"bad token as Bearer, DPoP alone", strict, proven("Bearer x"), nil, 401, []string{
			dpop + failure("invalid_token", "the access token is not a JWT") + algs + metadata}},
		{"scope missing", g, proven("DPoP "+bound, p.prove(t, bound, nil)), []verifier.Requirement{verifier.Scopes("admin")}, 403, []string{
			bearer + metadata, dpop + failure("insufficient_scope", "the access token lacks a required scope") + `, scope="admin"` + algs + metadata}},
		{"old login", g, proven("DPoP "+bound, p.prove(t, bound, nil)), []verifier.Requirement{verifier.MaxAuthAge(time.Minute)}, 401, []string{
			bearer + metadata, dpop + failure("insufficient_user_authentication", "a more recent or stronger authentication is required") +
				`, max_age="60"` + algs + metadata}},
		{"unavailable", g, authorized("Bearer " + unbound), []verifier.Requirement{failing(&verifier.Error{Reason: verifier.ReasonBusy})}, 503, nil},
		{"misconfigured", g, authorized("Bearer " + unbound), []verifier.Requirement{{}}, 500, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.guard.Check(t.Context(), tt.request, tt.reqs...)
			if d.Status() != tt.status {
				t.Errorf("status %d, want %d", d.Status(), tt.status)
			}
			if got := d.Header().Values("WWW-Authenticate"); !slices.Equal(got, tt.want) {
				t.Errorf("challenges\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

// What a step-up challenge asks for is told to nobody without a good token (RFC 9470 §9).
func TestStepUpIsToldAfterTheToken(t *testing.T) {
	g, _ := newGuard(t)
	d := g.Check(t.Context(), authorized("Bearer x"), verifier.ACR("gold"), verifier.MaxAuthAge(time.Minute), verifier.Scopes("admin"))
	want := []string{`Bearer realm="api", error="invalid_token", error_description="the access token is not a JWT"`}
	if got := d.Header()["Www-Authenticate"]; d.Status() != http.StatusUnauthorized || !slices.Equal(got, want) {
		t.Errorf("status %d, challenges %q", d.Status(), got)
	}
}
