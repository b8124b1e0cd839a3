package results_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/keychorus/keychorus/benchmarks/results"
)

func TestSectionsLeaveEachOtherAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "RESULTS.md")
	for _, s := range []struct{ name, text string }{{"one", "1"}, {"two", "2"}, {"three", "3"}, {"two", "II\n"}, {"one", "I"}} {
		if err := results.Write(path, s.name, s.text); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `# Results

<!-- one: begin -->

I

<!-- one: end -->

<!-- two: begin -->

II

<!-- two: end -->

<!-- three: begin -->

3

<!-- three: end -->
`
	if string(got) != want {
		t.Errorf("the file holds\n%s\nwant\n%s", got, want)
	}
}

func TestHalfASectionIsAnError(t *testing.T) {
	for _, page := range []string{
		"<!-- a: begin -->\nx\n", "x\n<!-- a: end -->\n", "<!-- a: end -->\n<!-- a: begin -->\n",
	} {
		if got, err := results.Replace(page, "a", "new"); err == nil {
			t.Errorf("%q became %q", page, got)
		}
	}
}
