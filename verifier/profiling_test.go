package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// regions takes an execution trace of f and returns how often each region of this project began,
// as go tool trace reads it. Every one has ended.
func regions(t *testing.T, f func()) map[string]int {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Fatal(err)
	}
	f()
	trace.Stop()
	file := filepath.Join(t.TempDir(), "trace.out")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "trace", "-d=parsed", file).Output()
	if err != nil {
		t.Fatalf("go tool trace: %v", err)
	}
	begun, open := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(out)) {
		_, rest, ok := strings.Cut(line, `Type="keychorus.`)
		name, _, _ := strings.Cut(rest, `"`)
		switch {
		case !ok:
		case strings.Contains(line, " RegionBegin "):
			begun["keychorus."+name]++
			open[name]++
		case strings.Contains(line, " RegionEnd "):
			open[name]--
		}
	}
	for name, n := range open {
		if n != 0 {
			t.Errorf("%d regions keychorus.%s have not ended", n, name)
		}
	}
	return begun
}

func TestProfilingMarksTheRegionsOfAnExecutionTrace(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	work := func(opts ...verifier.Option) func() {
		return func() {
			v, err := verifier.New(issuer.Policy(), opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = v.Close() }() // waits for the background
			for range 2 {
				if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = v.Verify(t.Context(), "not a token")
			_, _ = v.VerifyDocument(t.Context(), issuer.URL(), issuer.Token())
		}
	}
	got := regions(t, work(verifier.WithProfiling()))
	for name, want := range map[string]int{
		"keychorus.verify": 3, "keychorus.verify_document": 1, "keychorus.keys.lookup": 3, "keychorus.signature": 3,
		"keychorus.keys.refresh": 1, "keychorus.jwks.fetch": 1,
	} {
		if got[name] != want {
			t.Errorf("%d regions %s, want %d", got[name], name, want)
		}
	}
	if got := regions(t, work()); len(got) != 0 {
		t.Errorf("regions without the option: %v", got)
	}
}

// A hook that panics leaves no region open.
func TestARegionEndsWithAPanic(t *testing.T) {
	v := newVerifier(t, goodPolicy(), verifier.WithProfiling(),
		verifier.WithRevocation(func(context.Context, *verifier.Token) (bool, error) { panic(errors.ErrUnsupported) }))
	if got := regions(t, func() {
		defer func() { _ = recover() }()
		_, _ = v.Verify(t.Context(), sign(t, goodHeader(), goodClaims()))
	}); got["keychorus.verify"] != 1 {
		t.Errorf("regions %v, want one of the verification", got)
	}
}
