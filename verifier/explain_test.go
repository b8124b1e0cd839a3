package verifier_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// outcomes returns the outcome of every check by its name, with a mark for unverified ones.
func outcomes(r verifier.Report) map[string]string {
	all := map[string]string{}
	for _, c := range r.Checks {
		all[c.Name] = string(c.Outcome)
		if c.Unverified {
			all[c.Name] += "?"
		}
	}
	return all
}

func wantOutcomes(t *testing.T, r verifier.Report, want map[string]string) {
	t.Helper()
	got := outcomes(r)
	for name, outcome := range want {
		if got[name] != outcome {
			t.Errorf("check %s: %q, want %q\n%s", name, got[name], outcome, r)
		}
	}
}

func TestAGoodTokenPassesEveryCheck(t *testing.T) {
	r := newVerifier(t, goodPolicy()).Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
	if !r.Accepted || r.Reason != "" || r.Diagnosis != "" || r.Cause != "" || r.Fixes != nil || len(r.Checks) != 12 {
		t.Errorf("a good token: %+v", r)
	}
	for _, c := range r.Checks {
		if c.Outcome != verifier.Passed || c.Unverified || c.Expected == "" {
			t.Errorf("check of a good token: %+v", c)
		}
	}
	if text := r.String(); !strings.HasPrefix(text, "accepted\n") || !strings.Contains(text, "expires in 1h0m") {
		t.Errorf("text:\n%s", text)
	}
}

func TestExpectationsAreThoseOfThePolicy(t *testing.T) {
	p := goodPolicy()
	p.AuthorizedParties, p.RequiredClaims = []string{"client-1"}, []string{"sub"}
	p.Algorithms = []verifier.Algorithm{verifier.ES256, verifier.EdDSA}
	r := newVerifier(t, p).Explain(t.Context(), sign(t, goodHeader(), goodClaims()))
	for name, want := range map[string]string{
		"form": "16384 bytes", "header": "ES256, EdDSA", "issuer": issuerURL, "key": keyID, "audience": audience,
		"time": "now 2026-01-01T00:00:00Z, exp required, leeway 30s", "client": "client-1", "required claims": "sub", "binding": "nothing",
	} {
		i := slices.IndexFunc(r.Checks, func(c verifier.Check) bool { return c.Name == name })
		if i < 0 || !strings.Contains(r.Checks[i].Expected, want) {
			t.Errorf("check %s does not expect %q: %+v", name, want, r.Checks)
		}
	}
}

// A wrong claim hides no other one, and what nobody has signed is marked.
func TestChecksBehindTheFirstFailureAreJudgedWhereThatIsSafe(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	wrong := with(goodClaims(), object{"exp": now.Unix() - 7200, "aud": []string{"https://api.example.test/"}, "cnf": object{"jkt": "x"}})
	signed := sign(t, goodHeader(), wrong)
	for _, tt := range []struct {
		name, token string
		want        map[string]string
	}{
		{"behind a claim", signed, map[string]string{
			"signature": "pass", "time": "fail", "kind of token": "pass", "audience": "fail", "binding": "fail",
		}},
		{"behind a signature that does not hold", signed[:len(signed)-4] + "AAAA", map[string]string{
			"key": "pass", "signature": "fail", "time": "not reached", "audience": "not reached", "binding": "not reached",
		}},
		{"behind an unknown key", sign(t, with(goodHeader(), object{"kid": "key-2"}), wrong), map[string]string{
			"issuer": "pass", "key": "fail", "signature": "not reached", "time": "fail?", "kind of token": "pass?", "audience": "fail?", "binding": "fail?",
		}},
		{"behind an issuer that is not accepted", sign(t, goodHeader(), with(goodClaims(), object{"iss": "https://else.test"})), map[string]string{
			"header": "pass", "issuer": "fail", "key": "not reached", "signature": "not reached", "time": "pass?", "audience": "pass?",
		}},
		{"behind an algorithm that is not accepted", sign(t, object{"alg": "none"}, wrong), map[string]string{
			"form": "pass", "header": "fail", "issuer": "pass?", "key": "not reached", "signature": "not reached", "time": "fail?", "audience": "fail?",
		}},
		{"behind a form that is none", "x", map[string]string{"form": "fail", "header": "not reached", "binding": "not reached"}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantOutcomes(t, v.Explain(t.Context(), tt.token), tt.want) })
	}
}

func TestAnAudienceOfAnUnknownIssuerIsNotJudged(t *testing.T) {
	p := goodPolicy()
	p.Issuers[0].Audiences = []string{"https://special.example.test"}
	r := newVerifier(t, p).Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"iss": "https://else.test"})))
	wantOutcomes(t, r, map[string]string{"issuer": "fail", "audience": "not reached", "time": "pass?"})
}

// The canary stands wherever a sender can write; none of it may come out.
func TestReportsRepeatNothingOfTheToken(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	const canary = "canary"
	hostile := canary + "\x1b[2J\u202e\"\n"
	tokens := []string{canary, "Bearer " + canary, `"` + canary + `"`, "k_live_" + canary, "{" + canary, canary + "." + canary + "." + canary}
	for _, name := range []string{"iss", "aud", "sub", "azp", "client_id", "jti", "scope", "exp", "nbf", "iat", "typ", "token_use", "nonce", "events", hostile} {
		for _, value := range []any{canary, hostile, []string{hostile}, object{hostile: canary}} {
			tokens = append(tokens, sign(t, goodHeader(), with(goodClaims(), object{name: value})))
		}
	}
	for _, name := range []string{"alg", "kid", "typ", "cty", "jku", "crit"} {
		tokens = append(tokens, sign(t, with(goodHeader(), object{name: canary}), goodClaims()), sign(t, with(goodHeader(), object{name: hostile}), goodClaims()))
	}
	for _, token := range tokens {
		r := v.Explain(t.Context(), token)
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{r.String(), string(raw)} {
			if strings.Contains(text, canary) || strings.ContainsAny(text, "\x1b\u202e") {
				t.Errorf("the report repeats the token:\n%s", text)
			}
		}
	}
}

// What is too long is not taken apart: 16 MiB would be made of a MiB of dots.
func TestReportsOnLongTokensAreCheap(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	for _, unit := range []string{".", "Bearer ", `"`, " ", "x", "[object "} {
		token := strings.Repeat(unit, 1<<20/len(unit))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := v.Explain(t.Context(), token)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 || r.Accepted {
			t.Errorf("a MiB of %q takes %d bytes: %s", unit, spent, r.Reason)
		}
	}
}

// Whatever is sent, the report agrees with Verify and has something to say.
func TestEveryAttackIsExplained(t *testing.T) {
	synctest.Test(t, everyAttackIsExplained)
}

func everyAttackIsExplained(t *testing.T) {
	iss := verifiertest.NewIssuer(t, verifiertest.WithAlgorithm(verifier.ES256))
	v, err := verifier.New(iss.Policy())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	for _, a := range verifiertest.Attacks(iss) {
		r := v.Explain(t.Context(), a.Token)
		_, err := v.Verify(t.Context(), a.Token)
		if r.Accepted || r.Reason != reasonOf(t, err) || r.Cause == "" || len(r.Fixes) == 0 || r.Fixes[0] == "" {
			t.Errorf("%s: %v, report %s", a.Name, err, r)
		}
		failed := 0
		for _, c := range r.Checks {
			if c.Outcome == verifier.Failed && !c.Unverified {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("%s: no check failed:\n%s", a.Name, r)
		}
	}
}

func TestReportsHaveAStableJSONForm(t *testing.T) {
	r := newVerifier(t, goodPolicy()).Explain(t.Context(), "undefined")
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"accepted":false,"reason":"placeholder","description":"the access token is a placeholder, not a token",` +
		`"diagnosis":"undefined","cause":"the word undefined was sent: the page called the API before sign-in had finished, or signed out","fixes":["`
	if !bytes.HasPrefix(raw, []byte(want)) || !bytes.Contains(raw, []byte(`"checks":[{"name":"form","outcome":"fail","expected":"`)) {
		t.Errorf("JSON %s", raw)
	}
	var back verifier.Report
	if err := json.Unmarshal(raw, &back); err != nil || back.String() != r.String() {
		t.Errorf("read back: %v\n%s", err, back)
	}
}

func TestAdviceOfThePolicyReplacesTheGeneralWords(t *testing.T) {
	p := goodPolicy()
	p.Advice = map[string][]string{"audience_empty": {"open the dashboard"}, "expired": {"press F5"}}
	v := newVerifier(t, p)
	p.Advice["audience_empty"][0] = "changed" // New keeps a copy
	for _, tt := range []struct {
		changes object
		want    string
	}{
		{object{"aud": []string{}}, "open the dashboard"}, {object{"exp": 1}, "press F5"}, {object{"aud": omit{}}, "register this API"},
	} {
		if r := v.Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), tt.changes))); !strings.HasPrefix(r.Fixes[0], tt.want) {
			t.Errorf("%v: advice %q", tt.changes, r.Fixes)
		}
	}
	p.Advice["audience_none"] = nil
	if _, err := verifier.New(p); !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), `Policy.Advice holds "audience_none"`) {
		t.Errorf("a diagnosis that is none: %v", err)
	}
}

func TestDiagnosesAreAClosedSetWithTexts(t *testing.T) {
	seen := map[string]bool{}
	for r := range verifier.Reasons() {
		seen[string(r)] = true
	}
	for name, reason := range verifier.Diagnoses() {
		cause, fixes := verifier.TextOf(name)
		if seen[name] || cause == "" || len(fixes) == 0 || slices.Contains(fixes, "") || errors.Is(reason.Root(), verifier.ErrMisconfigured) {
			t.Errorf("%s (%s): %q, %q", name, reason, cause, fixes)
		}
		seen[name] = true
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
