package verifier_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

var update = flag.Bool("update", false, "rewrite docs/errors.md")

var roots = map[error]string{
	verifier.ErrNoCredentials:  "ErrNoCredentials",
	verifier.ErrInvalidRequest: "ErrInvalidRequest",
	verifier.ErrInvalidToken:   "ErrInvalidToken",
	verifier.ErrStepUp:         "ErrStepUp",
	verifier.ErrForbidden:      "ErrForbidden",
	verifier.ErrUnavailable:    "ErrUnavailable",
	verifier.ErrMisconfigured:  "ErrMisconfigured",
}

func TestReasonsAreComplete(t *testing.T) {
	seen := map[verifier.Reason]bool{}
	for r := range verifier.Reasons() {
		if seen[r] {
			t.Errorf("%s occurs twice", r)
		}
		seen[r] = true
		if roots[r.Root()] == "" {
			t.Errorf("%s: root %v is none of ours", r, r.Root())
		}
		for what, text := range map[string]string{"description": r.Description(), "cause": r.Cause(), "fix": r.Fix()} {
			if text == "" {
				t.Errorf("%s has no %s", r, what)
			}
		}
		if strings.ContainsAny(r.Description(), "\"\\\r\n") { // RFC 6750 §3
			t.Errorf("%s: the description cannot stand in a challenge", r)
		}
		if err := (&verifier.Error{Reason: r}); !errors.Is(err, r.Root()) || err.ErrorType() != string(r) {
			t.Errorf("%s: the error does not tell its root and type", r)
		}
	}
	if got := verifier.Reason("made up").Root(); !errors.Is(got, verifier.ErrMisconfigured) {
		t.Errorf("an unknown reason has root %v", got)
	}
}

func TestErrorsDocument(t *testing.T) {
	const path = "../docs/errors.md"
	var b bytes.Buffer
	b.WriteString("# Why a token was refused\n\n" +
		"Every error of verification is a `*verifier.Error` with one `Reason` of this closed set. The reason is what\n" +
		"logs and response bodies carry, except for requests without credentials, which get no more than a challenge\n" +
		"(RFC 6750 §3.1); `errors.Is` against the root says what kind of answer it is.\n" +
		"This page is made from the code: `go test ./verifier -run TestErrorsDocument -update`.\n\n" +
		"| reason | status | root | what the caller is told | usual cause | what to do |\n|---|---|---|---|---|---|\n")
	for r := range verifier.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %d | `%s` | %s | %s | %s |\n",
			r, r.Status(), roots[r.Root()], r.Description(), r.Cause(), r.Fix())
	}
	b.WriteString("\n## Likely mistakes\n\n" +
		"`Verifier.Explain`, `keychorus explain` and `guard.WithExplanations` go further and name the likely mistake: a diagnosis.\n" +
		"Each mostly comes with the reason beside it. Where nothing finer is known, the reason is the diagnosis, with the cause and the advice\n" +
		"of the table above. `Policy.Advice` replaces the last column for the issuers of a policy, as `kinde.Policy` does.\n\n" +
		"| diagnosis | with reason | cause | what to do |\n|---|---|---|---|\n")
	for name, reason := range verifier.Diagnoses() {
		cause, fixes := verifier.TextOf(name)
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", name, reason, cause, strings.Join(fixes, "; "))
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, b.Bytes()) {
		t.Error("docs/errors.md differs from the code: run this test with -update")
	}
}

func TestErrorsPrintSafely(t *testing.T) {
	_, err := verifier.New(verifier.Policy{})
	if !errors.Is(err, verifier.ErrMisconfigured) {
		t.Errorf("New's error %v does not wrap ErrMisconfigured", err)
	}
	e := &verifier.Error{Reason: verifier.ReasonExpired}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, e); got != "verifier: expired: the access token has expired" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
