package verify_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/benchmarks/results"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const preamble = `## One token

What an API pays for each request once it has the keys, in this library and others. ` + "`make bench-verify`" + ` writes this section;
[performance.md](../docs/performance.md) tells how it is measured and how to read it. Each library is set up as its documentation
shows for an API with one issuer, one audience and one algorithm, and checks what it offers to check. They have different aims: some verify
ID tokens, some are tool boxes, and what they leave to their users takes no time here. All are good at what they are for; corrections
are welcome.

Times are multiples of bare crypto: the standard library's check of the same signature over the same bytes, decoded beforehand, in
the same round. The middle of %d rounds, with the quartiles in brackets.

`

// report puts everything where readers find it, or only makes it if path is empty.
func (o *outcome) report(t *testing.T, e effort, path string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, preamble, e.rounds)
	o.writeGoals(t, &b)
	o.writeAccepts(&b)
	o.writeRejects(&b)
	o.writeMiddleware(&b)
	o.writeCores(&b)
	o.writeMany(&b)
	fmt.Fprintf(&b, "\n%s on %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, c := range contenders() {
		if c.module != "" {
			fmt.Fprintf(&b, ", %s", version(t, c.module))
		}
	}
	fmt.Fprintf(&b, ", %s.\n", version(t, "github.com/golang-jwt/jwt/v5"))
	pictures := map[string][]byte{"verify-ratio": o.ratioBars(t), "verify-allocations": o.allocationBars(t)}
	if path == "" {
		return
	}
	if err := results.Write(path, "verify", b.String()); err != nil {
		t.Fatal(err)
	}
	plots := filepath.Join(filepath.Dir(path), "plots")
	if err := os.MkdirAll(plots, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, svg := range pictures {
		if err := os.WriteFile(filepath.Join(plots, name+".svg"), svg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// row writes a row of a table.
func row(b *strings.Builder, first string, cells ...string) {
	b.WriteString("| " + first + " | " + strings.Join(cells, " | ") + " |\n")
}

func head(b *strings.Builder, first string, cells ...string) {
	row(b, first, cells...)
	b.WriteString("|---|" + strings.Repeat("---|", len(cells)) + "\n")
}

// everyone is in the order of the tables.
func everyone() []string {
	var names []string
	for _, c := range contenders() {
		names = append(names, c.name)
	}
	return append(names, bare)
}

func (o *outcome) writeAccepts(b *strings.Builder) {
	b.WriteString("\n### Accepting\n\n![Time by algorithm](plots/verify-ratio.svg)\n")
	for _, sh := range shapes() {
		var columns, sizes []string
		for _, alg := range algorithms() {
			columns = append(columns, string(alg))
			sizes = append(sizes, fmt.Sprint(o.cell(alg, sh.name).bytes))
		}
		b.WriteString("\n")
		head(b, "tokens of "+sh.name, columns...)
		row(b, "bytes as a whole", sizes...)
		for _, name := range everyone() {
			var cells []string
			for _, alg := range algorithms() {
				c := o.cell(alg, sh.name)
				if name == bare {
					cells = append(cells, fmt.Sprintf("1 = %.0f µs", c.times.ns(bare)/1000))
				} else {
					cells = append(cells, o.ratio(c, name))
				}
			}
			row(b, name, cells...)
		}
	}
	b.WriteString("\n![Allocations by algorithm](plots/verify-allocations.svg)\n\n")
	var columns []string
	for _, alg := range algorithms() {
		columns = append(columns, string(alg))
	}
	head(b, "allocations / bytes, "+usual, columns...)
	for _, name := range everyone() {
		var cells []string
		for _, alg := range algorithms() {
			if x, ok := o.cell(alg, usual).costs[name]; ok {
				cells = append(cells, fmt.Sprintf("%.0f / %.0f", x.allocs, x.bytes))
			} else {
				cells = append(cells, "–")
			}
		}
		row(b, name, cells...)
	}
}

func (*outcome) ratio(c *cell, name string) string {
	if len(c.times[name]) == 0 {
		return "–"
	}
	return c.times.to(name, bare).String()
}

func (o *outcome) writeRejects(b *strings.Builder) {
	b.WriteString("\n### Refusing\n\nRS256, " + usual + `, as multiples of the same library's time for a good token. For the last two columns the header has 8 KiB, of the
content that costs this library most, and the measure is its own refusal of a bad signature on a token of the same size. go-oidc and
zitadel/oidc ask the issuer again after a bad signature, so that a new key is found at once; the issuer is in memory here. With the
token cache a good token costs a hit, which makes its multiples large.

`)
	head(b, "", "bad signature", "expired", "garbage", "8 KiB header", "its content")
	for _, r := range o.rejects {
		row(b, r.name, r.badSignature.text(), r.over.text(), r.garbage.text(), r.header.text(), strings.TrimPrefix(r.worst, "header: "))
	}
	b.WriteString("\nThe most expensive of inputs made to be expensive, for keychorus, beside a bad signature on a token of the same size:\n\n")
	head(b, "input of 8 KiB", "multiple", "µs")
	for i, name := range o.hostileByCost() {
		if i == 6 {
			break
		}
		row(b, name, o.hostile.to(name, normalPrefix+name).text(), digits(o.hostile.ns(name)/1000))
	}
}

// text is a spread in a table, or a dash.
func (s spread) text() string {
	if s.middle != s.middle { // NaN: not measured
		return "–"
	}
	return s.String()
}

// hostileByCost are the hostile inputs, the most expensive for their size first.
func (o *outcome) hostileByCost() []string {
	var names []string
	for name := range o.hostile {
		if !strings.HasPrefix(name, normalPrefix) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		if o.hostile.to(x, normalPrefix+x).middle > o.hostile.to(y, normalPrefix+y).middle {
			return -1
		}
		return 1
	})
	return names
}

func (o *outcome) writeMiddleware(b *strings.Builder) {
	b.WriteString("\n### Middleware\n\nA request through the library's own net/http middleware to a handler that asks for the subject, without a socket; RS256, " + usual + `.
The other libraries come without middleware for APIs.

`)
	head(b, "", "verification, µs", "request, µs", "on top", "allocations on top")
	for _, name := range []string{ours, cached, auth0} {
		x := o.added(name)
		row(b, name, digits(o.middleware.ns(name)/1000), digits(o.middleware.ns(throughPrefix+name)/1000),
			fmt.Sprintf("%.1f %% (%.1f–%.1f)", 100*x.middle, 100*x.low, 100*x.high), fmt.Sprintf("%.0f", o.addedAllocs(name)))
	}
}

func (o *outcome) writeCores(b *strings.Builder) {
	b.WriteString("\n### Cores\n\nHow many times as many verifications two processors make as one; RS256, " + usual + `. Bare crypto shows what the machine has to give. A test
holds that nobody waits on the hot path of keychorus, cache aside: its mutex and block profiles are empty.

`)
	head(b, "", "one processor, a second", "two make")
	for _, c := range o.cores {
		row(b, c.name, fmt.Sprintf("%.0f", 1e9/c.one), c.speed.text())
	}
}

func (o *outcome) writeMany(b *strings.Builder) {
	m := o.many
	fmt.Fprintf(b, `
### Many issuers

One verifier, %d issuers through WithIssuerResolver with two RSA keys each, records in keystore/lru. Each issuer takes %.1f KB of the heap;
%d goroutines stay. A verification for one of %d issuers in use, beside a verifier that knows one issuer:

`, m.tenants, m.bytes/1000, m.goroutines, m.hot)
	head(b, "", "p50, µs", "p99, µs")
	row(b, "many issuers", digits(m.p50/1000), digits(m.p99/1000))
	row(b, "one issuer", digits(m.onlyP50/1000), digits(m.onlyP99/1000))
	row(b, "multiple", m.times.to("many", "one").text(), digits(m.p99/m.onlyP99))
}

func version(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

var goalRatios = []struct {
	alg  devissuer.Algorithm
	most float64
}{{devissuer.RS256, 0.80}, {devissuer.PS256, 1.12}, {devissuer.ES256, 1.06}, {devissuer.EdDSA, 1.08}}
