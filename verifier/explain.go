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

// Report tells a developer what verification did with a token. It holds neither the
// token nor a claim value.
type Report struct {
	// Accepted tells whether [Verifier.Verify] accepts the token.
	Accepted bool
	// Reason is why not, or "".
	Reason Reason
	// Description, Cause and Fix belong to the reason.
	Description, Cause, Fix string
	// Checks are the stages of verification, in order.
	Checks []Check
}

// Check is one stage of verification.
type Check struct {
	Name    string
	Outcome Outcome
}

// stages are the checks in the order of Verify, each with the reasons it may end in.
var stages = []struct {
	name    string
	reasons []Reason
}{
	{"form", []Reason{ReasonPlaceholder, ReasonOpaque, ReasonTooLarge, ReasonMalformed, ReasonEncrypted, ReasonClosed}},
	{"introspection", []Reason{ReasonInactive, ReasonIntrospectionUnavailable}}, // of opaque tokens
	{"header", []Reason{ReasonHeader, ReasonAlgorithm, ReasonType}},
	{"issuer", []Reason{ReasonIssuer, ReasonIssuerUnavailable}},
	{"key", []Reason{
		ReasonUnknownKey, ReasonUnusableKey, ReasonAmbiguousKey, ReasonDeniedKey,
		ReasonKeysUnavailable, ReasonKeyUndecided, ReasonBusy, ReasonCanceled,
	}},
	{"signature", []Reason{ReasonSignature}},
	{"time", []Reason{ReasonNoExpiry, ReasonExpired, ReasonNotYetValid, ReasonIssuedInFuture, ReasonLifetime}},
	{"kind of token", []Reason{ReasonWrongKind}},
	{"audience", []Reason{ReasonNoAudience, ReasonAudience}},
	{"client", []Reason{ReasonClient}},
	{"required claims", []Reason{ReasonMissingClaim, ReasonMalformedClaim}},
	{"binding", []Reason{ReasonBinding}},
	{"revocation", []Reason{ReasonRevoked, ReasonRevocationUnavailable}},
}

// Explain verifies the token as [Verifier.Verify] does and reports every check, for
// people. It never returns the token: an explanation is no verification.
func (v *Verifier) Explain(ctx context.Context, token string, opts ...VerifyOption) Report {
	_, err := v.Verify(ctx, token, opts...)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		e = refuse(ReasonMisconfigured, err)
	}
	r := Report{Accepted: err == nil, Checks: make([]Check, len(stages))}
	if e != nil {
		r.Reason = e.Reason
		r.Description, r.Cause, r.Fix = e.Reason.Description(), e.Reason.Cause(), e.Reason.Fix()
	}
	outcome := Passed
	for i, stage := range stages {
		r.Checks[i] = Check{Name: stage.name, Outcome: outcome}
		if e != nil && outcome == Passed && slices.Contains(stage.reasons, e.Reason) {
			r.Checks[i].Outcome = Failed
			outcome = NotReached
		}
	}
	return r
}
