package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tested is a package with the tests that rows name, each once.
type tested struct {
	dir   string
	tests []string
	rows  map[string]string // of a test: the first row that names it
}

// byPackage groups the tests of all rows.
func byPackage(rows []row) []*tested {
	var all []*tested
	for _, r := range rows {
		for _, ref := range r.shown {
			i := slices.IndexFunc(all, func(p *tested) bool { return p.dir == ref.dir })
			if i < 0 {
				all, i = append(all, &tested{dir: ref.dir, rows: map[string]string{}}), len(all)
			}
			if _, ok := all[i].rows[ref.test]; !ok {
				all[i].tests, all[i].rows[ref.test] = append(all[i].tests, ref.test), r.id
			}
		}
	}
	return all
}

// outcome is what the tests of a package came to, by name.
type outcome map[string]string

const (
	pass = "pass"
	skip = "skip"
)

// run runs the tests, and returns which of them did not pass. A test is run as a whole, with all
// its subtests: a pattern for some of them would let their parent pass if none of them existed.
func (p *tested) run(ctx context.Context, root string) (problems []string) {
	var names []string
	for _, test := range p.tests {
		name, _, _ := strings.Cut(test, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	module, inside := moduleOf(root, p.dir)
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-vet=off", "-run", "^("+strings.Join(names, "|")+")$", "./"+inside) //nolint:gosec // names of tests, as the document has them
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	got, said := outcomeOf(out)
	for _, test := range p.tests {
		if what := got.lacks(test); what != "" {
			problems = append(problems, fmt.Sprintf("%s: %s.%s %s", p.rows[test], p.dir, test, what))
		}
	}
	if err != nil {
		problems = append(problems, fmt.Sprintf("%s: %v\n%s%s", p.dir, err, said, &stderr))
	}
	return problems
}

// lacks returns what is wrong with a test, or "".
func (o outcome) lacks(test string) string {
	switch got := o[test]; got {
	case pass:
	case "":
		return "did not run"
	default:
		return "ended as " + got
	}
	for name, got := range o {
		if got == skip && strings.HasPrefix(name, test+"/") {
			return "skips " + name
		}
	}
	return ""
}

// outcomeOf reads what go test -json prints, and returns the text of what went wrong.
func outcomeOf(out []byte) (outcome, string) {
	o := outcome{}
	var said strings.Builder
	output := map[string]*strings.Builder{}
	for line := range bytes.Lines(out) {
		var event struct {
			Action string `json:"Action"`
			Test   string `json:"Test"`
			Output string `json:"Output"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			continue // the compiler speaks plain text
		}
		text, ok := output[event.Test]
		if !ok {
			text = new(strings.Builder)
			output[event.Test] = text
		}
		switch event.Action {
		case "output", "build-output":
			text.WriteString(event.Output)
		case pass, skip, "fail":
			o[event.Test] = event.Action
			if event.Action == "fail" {
				said.WriteString(text.String())
			}
		}
	}
	return o, said.String()
}

// moduleOf returns the folder of the module that a package belongs to, and where in it the
// package is.
func moduleOf(root, dir string) (module, inside string) {
	for at := dir; at != "."; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(root, at, "go.mod")); err == nil {
			return filepath.Join(root, at), strings.TrimPrefix(strings.TrimPrefix(dir, at), "/")
		}
	}
	return root, dir
}
