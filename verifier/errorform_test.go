package verifier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// refusedWith returns an error of Verify with a cause that nobody should see by accident.
func refusedWith(tb testing.TB, cause error) *verifier.Error {
	tb.Helper()
	v := newVerifier(tb, goodPolicy(), verifier.WithRevocation(func(context.Context, *verifier.Token) (bool, error) { return false, cause }))
	_, err := v.Verify(tb.Context(), sign(tb, goodHeader(), goodClaims()))
	var e *verifier.Error
	if !errors.As(err, &e) {
		tb.Fatalf("error %v", err)
	}
	return e
}

// However an error is printed, it says its fixed text or less; the cause takes a step.
func TestErrorsPrintNothingOfTheirCause(t *testing.T) {
	cause := errors.New("postgres://user:secret@db/revoked")
	e := refusedWith(t, cause)
	const reason = "revocation_unavailable"
	text := "verifier: " + reason + ": " + verifier.ReasonRevocationUnavailable.Description()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, e); got != text {
			t.Errorf("%s prints %q, want %q", verb, got, text)
		}
	}
	if got := fmt.Sprintf("%q", e); got != fmt.Sprintf("%q", text) {
		t.Errorf("%%q prints %s", got)
	}
	raw, err := json.Marshal(map[string]any{"error": e})
	if err != nil || string(raw) != `{"error":"`+reason+`"}` {
		t.Errorf("JSON %s, %v", raw, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "error", e)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "error", e)
	if n := strings.Count(log.String(), reason); n != 2 {
		t.Errorf("the reason is logged %d times:\n%s", n, log.String())
	}
	for _, wrapped := range []error{fmt.Errorf("guard: %w", e), errors.Join(e, e)} {
		fmt.Fprintf(&log, "%v %+v %s", wrapped, wrapped, wrapped)
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the cause is printed:\n%s", log.String())
	}
	if !errors.Is(e, cause) || !errors.Is(e, verifier.ErrUnavailable) || errors.Is(e, verifier.ErrInvalidToken) || e.RetryAfter <= 0 {
		t.Errorf("the error is not of its cause and one root: %v", e.Unwrap())
	}
}

// An error has one root and is nothing else; its status is that of the root.
func TestEveryReasonHasOneRootAndItsStatus(t *testing.T) {
	status := map[error]int{
		verifier.ErrNoCredentials: 401, verifier.ErrInvalidRequest: 400, verifier.ErrInvalidToken: 401, verifier.ErrStepUp: 401,
		verifier.ErrForbidden: 403, verifier.ErrUnavailable: 503, verifier.ErrMisconfigured: 500,
	}
	for r := range verifier.Reasons() {
		e, n := &verifier.Error{Reason: r}, 0
		for root, code := range status {
			if !errors.Is(e, root) {
				continue
			}
			n++
			if r == verifier.ReasonCanceled {
				code = 499 // nobody is there to read it
			}
			if r.Status() != code || !errors.Is(root, r.Root()) {
				t.Errorf("%s of %v is answered with %d", r, root, r.Status())
			}
		}
		if n != 1 || len(e.Unwrap()) != 1 {
			t.Errorf("%s has %d roots", r, n)
		}
		if raw, err := json.Marshal(e); err != nil || string(raw) != fmt.Sprintf("%q", string(r)) {
			t.Errorf("%s as JSON: %s, %v", r, raw, err)
		}
		if got := e.LogValue(); got.Kind() != slog.KindString || got.String() != string(r) {
			t.Errorf("%s is logged as %v", r, got)
		}
	}
}

// Whoever reads a list may stop, and gets its beginning.
func TestListsOfReasonsAndDiagnosesMayBeLeft(t *testing.T) {
	all := slices.Collect(verifier.Reasons())
	var some []verifier.Reason
	for r := range verifier.Reasons() {
		if some = append(some, r); len(some) == 3 {
			break
		}
	}
	if !slices.Equal(some, all[:3]) || len(all) < 40 {
		t.Errorf("reasons %q of %d", some, len(all))
	}
	names := 0
	for name, reason := range verifier.Diagnoses() {
		names++
		if name != "empty" || reason != verifier.ReasonNoCredentials && reason != verifier.ReasonMalformedHeader {
			t.Errorf("the first diagnosis is %s of %s", name, reason)
		}
		break
	}
	if names != 1 {
		t.Errorf("%d diagnoses after the first", names)
	}
}

// A policy, or a report from elsewhere, cannot steer the terminal that shows it.
func TestReportsQuoteWhatCannotBePrinted(t *testing.T) {
	p := goodPolicy()
	p.Audiences = []string{"a\x1b[2Jb"}
	p.Advice = map[string][]string{"audience": {"first\u202e", "second"}}
	r := newVerifier(t, p).Explain(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"aud": "https://stranger.example"})))
	text := r.String()
	for _, want := range []string{
		"refused: " + verifier.ReasonAudience.Description() + "\n\n  reason  audience\n  cause   ",
		"  fix     \"first\\u202e\"\n          second\n\n", "               expected: \"a\\x1b[2Jb\"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "likely") {
		t.Errorf("a diagnosis that is the reason is said twice:\n%s", text)
	}
	foreign := verifier.Report{
		Reason: "x\x07", Description: "bad \xff", Diagnosis: "y\n", Cause: "z\u2028",
		Checks: []verifier.Check{{Name: "form", Outcome: verifier.Failed, Unverified: true, Detail: "d\x00"}},
	}
	const want = "refused: \"bad \\xff\"\n\n  reason  \"x\\a\"\n  likely  \"y\\n\"\n  cause   \"z\\u2028\"\n\n" +
		"  fail         form (unverified)\n               \"d\\x00\"\n"
	if got := foreign.String(); got != want {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

// The JSON form brings every member back, and leaves out what says nothing.
func TestReportsComeBackFromJSON(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	for name, token := range map[string]string{
		"accepted": sign(t, goodHeader(), goodClaims()), "empty": "", "expired": sign(t, goodHeader(), with(goodClaims(), object{"exp": 1})),
		"unverified": sign(t, with(goodHeader(), object{"kid": "k"}), with(goodClaims(), object{"aud": "x"})), "opaque": "opaque",
	} {
		t.Run(name, func(t *testing.T) {
			r := v.Explain(t.Context(), token)
			raw, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var back verifier.Report
			if err := json.Unmarshal(raw, &back); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%#v", back) != fmt.Sprintf("%#v", r) {
				t.Errorf("came back as %#v\nwas %#v", back, r)
			}
			if r.Accepted == bytes.Contains(raw, []byte(`"reason"`)) || bytes.Contains(raw, []byte(`""`)) || bytes.Contains(raw, []byte("null")) {
				t.Errorf("JSON %s", raw)
			}
		})
	}
}

func TestStrictKeysBoundStaleKeysToAnHour(t *testing.T) {
	keys := verifier.StrictKeys()
	if keys.MaxStale != time.Hour {
		t.Errorf("stale keys serve for %v", keys.MaxStale)
	}
	p := goodPolicy()
	p.Keys = keys
	wantReason(t, newVerifier(t, p), sign(t, goodHeader(), goodClaims()), "")
	p.Keys.RefreshInterval = time.Hour
	if _, err := verifier.New(p); !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("an hour of refreshing and of staleness: %v", err)
	}
}
