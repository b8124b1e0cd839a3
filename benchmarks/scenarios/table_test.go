package scenarios_test

import (
	"flag"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keychorus/keychorus/benchmarks/results"
)

var write = flag.String("write", "", "file whose section to write")

func TestScenarios(t *testing.T) {
	_ = keys()
	all := contenders()
	var b strings.Builder
	b.WriteString(heading)
	b.WriteString("| |")
	for _, c := range all {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	for _, sc := range scenarios() {
		b.WriteString("| " + sc.name + " |")
		for _, c := range all {
			var result string
			var good bool
			t.Run(sc.name+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { result, good = sc.run(newScene(t, c)) })
			})
			t.Logf("%s: %s: %s", sc.name, c.name, result)
			b.WriteString(" " + result + " |")
			if c.name == "keychorus" && !good {
				t.Errorf("%s: %s", sc.name, result)
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%s on %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, c := range all[1:] {
		fmt.Fprintf(&b, ", %s", version(t, c.module))
	}
	b.WriteString(".\n")
	if *write != "" {
		if err := results.Write(*write, "scenarios", b.String()); err != nil {
			t.Fatal(err)
		}
	}
}

const heading = `## An issuer's life

What becomes of the same events in several libraries, each set up as its documentation shows for an API with one issuer and one
audience; issuer, audience, algorithm and expiry are checked where it offers that. Counted, not timed: hours pass in virtual time. These
libraries have different aims; several of them verify ID tokens or are tool boxes, and leave some of this to their users by
design. ` + "`make bench-scenarios`" + ` writes this table; corrections are welcome.

`

func version(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
