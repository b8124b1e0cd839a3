package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// row is one line of a table.
type row struct {
	id, says, answer, reason string
	shown                    []reference
}

// reference names a test: its package by the folder, its name with subtests as go test prints it,
// and cases of a table in it that are no tests of their own.
type reference struct {
	dir, test string
	cases     []string
}

// series are the ids of the rows in their order: how many of each kind.
var series = []struct {
	format string
	n      int
}{
	// Requirements, by the standard that they are from.
	{"JWS-%02d", 15}, {"JWK-%02d", 8}, {"JWA-%02d", 8}, {"JWT-%02d", 13}, {"THU-%02d", 2}, {"ALG-%02d", 3}, {"BCP-%02d", 21},
	{"AT-%02d", 13}, {"BR-%02d", 13}, {"PRM-%02d", 7}, {"DIS-%02d", 6}, {"MCP-%02d", 11}, {"SU-%02d", 4}, {"DP-%02d", 22},
	{"MT-%02d", 4}, {"FA-%02d", 8}, {"IN-%02d", 4}, {"OB-%02d", 5},
	// Attacks, by what they are on.
	{"T1.%d", 10}, {"T2.%d", 12}, {"T3.%d", 17}, {"T4.%d", 13}, {"T5.%d", 13}, {"T6.%d", 16}, {"T7.%d", 11}, {"T8.%d", 15}, {"T9.%d", 5},
}

// ids returns the ids of all rows in their order.
func ids() []string {
	var all []string
	for _, s := range series {
		for n := range s.n {
			all = append(all, fmt.Sprintf(s.format, n+1))
		}
	}
	return all
}

var (
	isID   = regexp.MustCompile(`^([A-Z]{2,3}-\d+|T\d+\.\d+)$`)
	quoted = regexp.MustCompile("`([^`]+)`")
	isTest = regexp.MustCompile(`^([a-z0-9][a-z0-9/]*)\.((?:Test|Fuzz|Example)\w*(?:/.+)?)$`)
)

// The answers of a row. Those that need a reason have it behind a colon.
const (
	refused  = "refused"
	held     = "held"
	accepted = "accepted"
	outside  = "outside"
)

// read returns the rows of the tables in a document, and what is wrong with each.
func read(text string) (rows []row, problems []string) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		id := strings.TrimSpace(cells[0])
		if !strings.HasPrefix(line, "|") || !isID.MatchString(id) {
			continue
		}
		if len(cells) != 4 {
			problems = append(problems, fmt.Sprintf("%s: %d cells, want 4", id, len(cells)))
			continue
		}
		r := row{id: id, says: strings.TrimSpace(cells[1])}
		r.answer, r.reason, _ = strings.Cut(strings.TrimSpace(cells[2]), ": ")
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			if !r.name(m[1]) {
				problems = append(problems, id+": "+m[1]+" is no test")
			}
		}
		rows = append(rows, r)
		problems = append(problems, r.wrong()...)
	}
	return rows, problems
}

// name takes what the last cell has between backticks: a test, the name of another subtest beside
// the last one, or a case of the last test.
func (r *row) name(text string) bool {
	if ref := isTest.FindStringSubmatch(text); ref != nil {
		r.shown = append(r.shown, reference{dir: ref[1], test: ref[2]})
		return true
	}
	if len(r.shown) == 0 {
		return false
	}
	last := &r.shown[len(r.shown)-1]
	if !strings.HasPrefix(text, "/") {
		last.cases = append(last.cases, text)
		return true
	}
	parent := strings.LastIndex(last.test, "/")
	if parent < 0 {
		return false
	}
	r.shown = append(r.shown, reference{dir: last.dir, test: last.test[:parent] + text})
	return true
}

// wrong returns what a row lacks.
func (r *row) wrong() (problems []string) {
	bad := func(what string) { problems = append(problems, r.id+": "+what) }
	if r.says == "" {
		bad("says nothing")
	}
	switch r.answer {
	case refused, held:
	case accepted, outside:
		if r.reason == "" {
			bad(r.answer + " without a reason")
		}
	default:
		bad("the answer is " + r.answer)
	}
	if len(r.shown) == 0 && r.answer != outside {
		bad("names no test")
	}
	return problems
}

// complete returns which rows are missing, too many, or not in their place.
func complete(rows []row) (problems []string) {
	want, seen := ids(), map[string]bool{}
	var got []string
	for _, r := range rows {
		switch {
		case seen[r.id]:
			problems = append(problems, r.id+": occurs twice")
		case !slices.Contains(want, r.id):
			problems = append(problems, r.id+": is no id")
		default:
			got = append(got, r.id)
		}
		seen[r.id] = true
	}
	for _, id := range want {
		if !seen[id] {
			problems = append(problems, id+": is missing")
		}
	}
	if len(problems) == 0 && !slices.Equal(got, want) {
		problems = append(problems, "the rows are not in their order")
	}
	return problems
}

// casesExist looks for the cases that rows name as string literals in the package's sources.
func casesExist(root string, rows []row) (problems []string) {
	sources := map[string]string{}
	for _, r := range rows {
		for _, ref := range r.shown {
			source, ok := sources[ref.dir]
			if !ok {
				source = sourceOf(filepath.Join(root, ref.dir))
				sources[ref.dir] = source
			}
			for _, c := range ref.cases {
				if !strings.Contains(source, `"`+c+`"`) {
					problems = append(problems, fmt.Sprintf("%s: %s has no case %q", r.id, ref.dir, c))
				}
			}
		}
	}
	return problems
}

// sourceOf returns all Go files of a folder, or nothing if there are none.
func sourceOf(dir string) string {
	var all strings.Builder
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil { // of a malformed pattern alone
		return ""
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			all.Write(text)
		}
	}
	return all.String()
}
