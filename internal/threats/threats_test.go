package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const good = "| %s | something | refused | `some/dir.TestIt` |\n"

// table is a document with all rows, each as the edit leaves it.
func table(edit func(id, line string) string) string {
	var b strings.Builder
	b.WriteString("# Text\n\n| id | says | answer | shown by |\n|---|---|---|---|\n")
	for _, id := range ids() {
		b.WriteString(edit(id, fmt.Sprintf(good, id)))
	}
	return b.String()
}

func only(which, instead string) string {
	return table(func(id, line string) string {
		if id == which {
			return instead
		}
		return line
	})
}

func problemsOf(text string) []string {
	rows, problems := read(text)
	return append(problems, complete(rows)...)
}

func TestBrokenTables(t *testing.T) {
	if got := problemsOf(only("", "")); len(got) != 0 {
		t.Fatalf("a good table: %q", got)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"row missing":      {only("DP-07", ""), "DP-07: is missing"},
		"row twice":        {only("T1.1", fmt.Sprintf(good+good, "T1.1", "T1.1")), "T1.1: occurs twice"},
		"row of no series": {only("T9.5", fmt.Sprintf(good+good, "T9.5", "T9.6")), "T9.6: is no id"},
		"other order":      {only("JWS-01", "") + fmt.Sprintf(good, "JWS-01"), "the rows are not in their order"},
		"nothing":          {"", "JWS-01: is missing"},
		"cell missing":     {only("BR-01", "| BR-01 | something | refused |\n"), "BR-01: 3 cells, want 4"},
		"says nothing":     {only("BR-01", "| BR-01 | | refused | `some/dir.TestIt` |\n"), "BR-01: says nothing"},
		"other answer":     {only("BR-01", "| BR-01 | something | maybe | `some/dir.TestIt` |\n"), "BR-01: the answer is maybe"},
		"no test":          {only("BR-01", "| BR-01 | something | held | by design |\n"), "BR-01: names no test"},
		"test of no form":  {only("BR-01", "| BR-01 | something | held | `TestIt` |\n"), "BR-01: TestIt is no test"},
		"subtest of none":  {only("BR-01", "| BR-01 | something | held | `some/dir.TestIt`, `/one` |\n"), "BR-01: /one is no test"},
		"accepted alone":   {only("BR-01", "| BR-01 | something | accepted | `some/dir.TestIt` |\n"), "BR-01: accepted without a reason"},
		"outside alone":    {only("BR-01", "| BR-01 | something | outside | |\n"), "BR-01: outside without a reason"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := problemsOf(tt.text); !slices.Contains(got, tt.want) {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
		})
	}
	if got := problemsOf(only("BR-01", "| BR-01 | something | outside: not ours | |\n")); len(got) != 0 {
		t.Errorf("outside with a reason: %q", got)
	}
}

func TestNamesOfTests(t *testing.T) {
	rows, problems := read("| BR-01 | x | held | `a/b.TestIt/one_case` (`three dots`, `four`), `/another`, `a.FuzzIt` |\n")
	want := []reference{{"a/b", "TestIt/one_case", []string{"three dots", "four"}}, {"a/b", "TestIt/another", nil}, {"a", "FuzzIt", nil}}
	if len(problems) > 0 || len(rows) != 1 || !slices.EqualFunc(rows[0].shown, want, func(a, b reference) bool {
		return a.dir == b.dir && a.test == b.test && slices.Equal(a.cases, b.cases)
	}) {
		t.Errorf("%+v, %q", rows, problems)
	}
}

// The tests of a module that exists for this test alone.
const sources = `package it

import "testing"

func TestPasses(t *testing.T) {
	t.Run("one case", func(*testing.T) {})
	for _, name := range []string{"three dots"} {
		_ = name
	}
}

func TestFails(t *testing.T) {
	t.Run("good", func(*testing.T) {})
	t.Run("bad", func(t *testing.T) { t.Error("the text of a failure") })
}

func TestSkips(it *testing.T) { it.SkipNow() }

func TestSkipsInside(t *testing.T) {
	t.Run("skipped", func(it *testing.T) { it.SkipNow() })
}

func FuzzSeeds(f *testing.F) { f.Fuzz(func(*testing.T, string) {}) }

func notATest() {}
`

func newModule(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module root.test\n\ngo 1.26\n", "a/a.go": "package a\n", "a/b/go.mod": "module nested.test\n\ngo 1.26\n",
		"a/b/it.go": "package it\n", "a/b/it_test.go": sources, "broken/broken_test.go": "package broken\n\nfunc TestIt() { nothing() }\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWhatDidNotPassIsTold(t *testing.T) {
	root := newModule(t)
	for test, want := range map[string]string{
		"a/b.TestPasses": "", "a/b.TestPasses/one_case": "", "a/b.FuzzSeeds": "", "a/b.TestFails/good": "exit status 1",
		"a/b.TestFails": "ended as fail", "a/b.TestFails/bad": "the text of a failure", "a/b.TestSkips": "ended as skip",
		"a/b.TestSkipsInside": "skips TestSkipsInside/skipped", "a/b.TestNobodyWrote": "did not run", "a/b.TestPasses/another_case": "did not run",
		"a/b.TestPass": "did not run", "a.TestIt": "did not run", "nowhere.TestIt": "did not run", "broken.TestIt": "did not run",
	} {
		rows, problems := read("| BR-01 | something | refused | `" + test + "` |\n")
		if len(problems) > 0 {
			t.Fatalf("%s: %q", test, problems)
		}
		packages := byPackage(rows)
		if len(packages) != 1 {
			t.Fatalf("%s: %d packages", test, len(packages))
		}
		got := strings.Join(packages[0].run(t.Context(), root), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: told %q, want %q", test, got, want)
		}
	}
}

func TestCasesAreLookedFor(t *testing.T) {
	root := newModule(t)
	rows, _ := read("| BR-01 | x | refused | `a/b.TestPasses` (`three dots`, `four dots`) |\n| BR-02 | x | refused | `nowhere.TestIt` (`it`) |\n")
	want := []string{`BR-01: a/b has no case "four dots"`, `BR-02: nowhere has no case "it"`}
	if got := casesExist(root, rows); !slices.Equal(got, want) {
		t.Errorf("problems %q, want %q", got, want)
	}
}

// A document is checked as a whole, and no test runs while its tables are broken.
func TestCheck(t *testing.T) {
	root := newModule(t)
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "d.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown := func(test string) string {
		return table(func(_, line string) string { return strings.Replace(line, "some/dir.TestIt", test, 1) })
	}
	for test, want := range map[string]string{"a/b.TestPasses": "", "a/b.TestFails": "JWS-01: a/b.TestFails ended as fail"} {
		write(shown(test))
		var out strings.Builder
		got := strings.Join(check(t.Context(), root, "d.md", &out), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) || !strings.Contains(out.String(), "279 rows of d.md, 1 tests in 1 packages") {
			t.Errorf("%s: %q, %q", test, got, &out)
		}
	}
	write(strings.Replace(shown("a/b.TestFails"), "| JWS-01", "| JWS-99", 1))
	if got := strings.Join(check(t.Context(), root, "d.md", io.Discard), "\n"); strings.Contains(got, "TestFails") || !strings.Contains(got, "JWS-01: is missing") {
		t.Errorf("a broken table: %q", got)
	}
	if got := check(t.Context(), root, "nothing.md", io.Discard); len(got) != 1 {
		t.Errorf("no document: %q", got)
	}
}

// The project's own document, without running what it names.
func TestDocument(t *testing.T) {
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	rows, problems := read(string(text))
	for _, p := range slices.Concat(problems, complete(rows), casesExist(root, rows)) {
		t.Error(p)
	}
}
