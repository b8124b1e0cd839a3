package verifier_test

import (
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

func TestExplain(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	r := v.Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
	if !r.Accepted || r.Reason != "" {
		t.Errorf("a good token: %+v", r)
	}
	for _, c := range r.Checks {
		if c.Outcome != verifier.Passed {
			t.Errorf("check %s of a good token: %s", c.Name, c.Outcome)
		}
	}
	r = v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"aud": []string{}})))
	if r.Accepted || r.Reason != verifier.ReasonNoAudience || r.Fix == "" || r.Cause == "" {
		t.Errorf("a token without audience: %+v", r)
	}
	var failed, notReached int
	for _, c := range r.Checks {
		switch c.Outcome {
		case verifier.Failed:
			failed++
			if c.Name != "audience" {
				t.Errorf("check %s failed", c.Name)
			}
		case verifier.NotReached:
			notReached++
		}
	}
	if failed != 1 || notReached == 0 {
		t.Errorf("%d checks failed, %d not reached: %+v", failed, notReached, r.Checks)
	}
}

// Every reason that Verify can end in belongs to exactly one check.
func TestExplainKnowsEveryReason(t *testing.T) {
	elsewhere := map[verifier.Reason]bool{ // decided before or after Verify
		verifier.ReasonNoCredentials: true, verifier.ReasonMalformedHeader: true, verifier.ReasonMultipleCredentials: true,
		verifier.ReasonStepUp: true, verifier.ReasonScope: true, verifier.ReasonRequirement: true,
		verifier.ReasonRequirementUnavailable: true, verifier.ReasonMisconfigured: true,
		verifier.ReasonUnbound: true, verifier.ReasonReplayUnavailable: true, verifier.ReasonNotDocument: true,
		verifier.ReasonProofMissing: true, verifier.ReasonProofMalformed: true, verifier.ReasonProofSignature: true,
		verifier.ReasonProofMethod: true, verifier.ReasonProofURL: true, verifier.ReasonProofToken: true,
		verifier.ReasonProofTime: true, verifier.ReasonProofNonce: true, verifier.ReasonProofReplayed: true,
	}
	for r := range verifier.Reasons() {
		if n := verifier.StagesOf(r); elsewhere[r] && n != 0 || !elsewhere[r] && n != 1 {
			t.Errorf("%s belongs to %d checks", r, n)
		}
	}
}
