package verifier

import (
	"context"
	"errors"
	"slices"
)

// Outcome is what became of one check in a [Report].
type Outcome string

// The outcomes of a check.
const (
	Passed     Outcome = "pass"
	Failed     Outcome = "fail"
	NotReached Outcome = "not reached"
)

// Report tells a developer what verification did with a token, and why. It holds no byte
// of the token and no claim value: what was expected comes from the policy, and how the
// token differs is said in words and durations. It shows the policy, though, so it is for
// developers and operators and not for whoever sent the token. A Report is plain data; its
// JSON form is stable, to which members may be added.
type Report struct {
	// Accepted tells whether [Verifier.Verify] accepts the token.
	Accepted bool `json:"accepted"`
	// Reason is why not, or "".
	Reason Reason `json:"reason,omitempty"`
	// Description is the fixed sentence of the reason, which callers are told.
	Description string `json:"description,omitempty"`
	// Diagnosis is the likely mistake behind the reason, from a closed set: see
	// [Diagnoses]. Where nothing more is known, it is the reason.
	Diagnosis string `json:"diagnosis,omitempty"`
	// Cause says in words what the diagnosis is, and Fixes what to change and where, the
	// most likely first.
	Cause string   `json:"cause,omitempty"`
	Fixes []string `json:"fixes,omitempty"`
	// Checks are those that the policy makes of this kind of token, in order.
	Checks []Check `json:"checks"`
}

// Check is one step of verification.
type Check struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	// Unverified says that the outcome rests on claims that no signature vouches for:
	// the key could not be had or is not known. What passes so is not to be believed.
	Unverified bool `json:"unverified,omitempty"`
	// Expected is what the policy asks for.
	Expected string `json:"expected,omitempty"`
	// Detail says how the token differs from it.
	Detail string `json:"detail,omitempty"`
}

// stage is a check, with the reasons of Verify that it may end in.
type stage struct {
	name    string
	reasons []Reason
}

// The names of the checks.
const (
	checkForm          = "form"
	checkIntrospection = "introspection"
	checkHeader        = "header"
	checkIssuer        = "issuer"
	checkKey           = "key"
	checkSignature     = "signature"
	checkClaims        = "claims"
	checkTime          = "time"
	checkKind          = "kind of token"
	checkAudience      = "audience"
	checkClient        = "client"
	checkRequired      = "required claims"
	checkBinding       = "binding"
	checkRevocation    = "revocation"
)

// stages are the checks in the order of Verify. Read-only.
var stages = []stage{
	{checkForm, []Reason{ReasonPlaceholder, ReasonOpaque, ReasonTooLarge, ReasonMalformed, ReasonEncrypted}},
	{checkIntrospection, []Reason{ReasonInactive, ReasonIntrospectionUnavailable}}, // of opaque tokens
	{checkHeader, []Reason{ReasonHeader, ReasonAlgorithm, ReasonType}},
	{checkIssuer, []Reason{ReasonIssuer, ReasonIssuerUnavailable}},
	{checkKey, []Reason{
		ReasonUnknownKey, ReasonUnusableKey, ReasonAmbiguousKey, ReasonDeniedKey,
		ReasonKeysUnavailable, ReasonKeyUndecided, ReasonBusy, ReasonCanceled, ReasonClosed,
	}},
	{checkSignature, []Reason{ReasonSignature}},
	{checkClaims, []Reason{ReasonMalformedClaim}},
	{checkTime, []Reason{ReasonNoExpiry, ReasonExpired, ReasonNotYetValid, ReasonIssuedInFuture, ReasonLifetime}},
	{checkKind, []Reason{ReasonWrongKind}},
	{checkAudience, []Reason{ReasonNoAudience, ReasonAudience}},
	{checkClient, []Reason{ReasonClient}},
	{checkRequired, []Reason{ReasonMissingClaim}},
	{checkBinding, []Reason{ReasonBinding}},
	{checkRevocation, []Reason{ReasonRevoked, ReasonRevocationUnavailable}},
}

// Explain verifies the token as [Verifier.Verify] does, hooks, waiting and telemetry
// included, and reports every check for people. It never returns the token: an explanation
// is no verification, and nothing may be granted on it. Safe for concurrent use.
//
// Checks behind the one that failed are judged on their own where that is of use. If a claim
// failed, the others are judged as ever. If nobody could tell whether the signature holds (the
// key is not known or cannot be had, the algorithm or the issuer is not accepted), they are
// judged and marked as unverified: whoever has the token can read it anyway, and for a token
// that has also expired an unknown key is not even looked for. If the signature does not hold,
// nothing more is judged: somebody has changed the claims.
func (v *Verifier) Explain(ctx context.Context, token string, opts ...VerifyOption) Report {
	_, err := v.Verify(ctx, token, opts...)
	var refusal *Error
	if err != nil && !errors.As(err, &refusal) {
		refusal = refuse(ReasonMisconfigured, err)
	}
	s := v.sampleOf(token, refusal)
	s.proved = proved(opts)
	return s.report()
}

// report makes the Report of what is known of a token.
func (s *sample) report() Report {
	r := Report{Accepted: s.refusal == nil, Checks: s.checks()}
	if s.refusal == nil {
		return r
	}
	f := s.diagnose()
	r.Reason, r.Description = s.refusal.Reason, s.refusal.Reason.Description()
	r.Diagnosis, r.Cause = f.diagnosis, f.text()
	r.Fixes = slices.Clone(s.v.fixesOf(f.diagnosis))
	return r
}

// stageOf returns the check that a refusal ended in.
func (s *sample) stageOf() string {
	reason := s.refusal.Reason
	switch reason {
	case ReasonNoCredentials:
		return checkForm
	case ReasonCanceled, ReasonClosed, ReasonMisconfigured: // in several places
		switch {
		case s.issuer != nil:
			return checkKey
		case s.opaque:
			return checkIntrospection
		case reason == ReasonClosed:
			return checkKey
		default:
			return checkIssuer
		}
	}
	for _, st := range stages {
		if slices.Contains(st.reasons, reason) {
			return st.name
		}
	}
	return checkForm
}

// applies tells whether a check is made of this kind of token under this policy.
func (s *sample) applies(name string) bool {
	switch name {
	case checkIntrospection:
		return s.opaque
	case checkHeader, checkKey, checkSignature:
		return !s.opaque
	case checkRevocation:
		return s.v.revoked != nil
	default:
		return true
	}
}

// checks judges every check that applies.
func (s *sample) checks() []Check {
	var all []Check
	failing := ""
	if s.refusal != nil {
		failing = s.stageOf()
	}
	reached := true
	for _, st := range stages {
		if !s.applies(st.name) && st.name != failing {
			continue
		}
		c := Check{Name: st.name, Outcome: Passed, Expected: s.expected(st.name)}
		switch {
		case st.name == failing:
			reached = false
			c.Outcome, c.Detail = Failed, s.diagnose().text()
		case !reached:
			s.judgeAlone(&c, failing)
		case st.name == checkTime:
			c.Detail = s.timeLeft()
		}
		all = append(all, c)
	}
	return all
}

// judgeAlone judges a check behind the one that failed.
func (s *sample) judgeAlone(c *Check, failing string) {
	c.Outcome = NotReached
	unverified := failing == checkHeader || failing == checkIssuer || failing == checkKey
	judge := s.judges()[c.Name]
	if judge == nil || s.claims == nil || s.opaque || failing == checkForm || failing == checkSignature {
		return
	}
	switch {
	case c.Name == checkIssuer && s.issuer == nil && s.v.resolve != nil:
		return // the hook was not asked
	case c.Name == checkAudience && s.audiences() == nil && !s.v.anyAudience:
		return // they depend on the issuer
	}
	c.Outcome, c.Unverified = Passed, unverified
	if f := judge(); f.diagnosis != "" {
		c.Outcome, c.Detail = Failed, f.text()
	}
}
