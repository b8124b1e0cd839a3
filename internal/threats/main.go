// Command threats checks docs/threat-model.md: that its tables have every row, that each row has
// an answer, and that each test that a row names runs and passes.
//
//	go run ./internal/threats
//
// It runs in the root of the repository and exits with 1 if something is wrong. Tests that have
// passed before and have not changed come out of go's own cache.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

const document = "docs/threat-model.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	problems := check(ctx, ".", document, os.Stdout)
	stop()
	for _, p := range problems {
		_, _ = fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// check returns what is wrong with the document and with the tests that it names, and writes what
// it has seen. root is the folder of the repository.
func check(ctx context.Context, root, document string, out io.Writer) []string {
	text, err := os.ReadFile(root + "/" + document)
	if err != nil {
		return []string{err.Error()}
	}
	rows, problems := read(string(text))
	problems = append(problems, complete(rows)...)
	problems = append(problems, casesExist(root, rows)...)
	if len(problems) > 0 { // tests take time, and a row may name others tomorrow
		return problems
	}
	packages := byPackage(rows)
	named := 0
	for _, p := range packages {
		named += len(p.tests)
		problems = append(problems, p.run(ctx, root)...)
	}
	_, _ = fmt.Fprintf(out, "%d rows of %s, %d tests in %d packages: %d problems\n", len(rows), document, named, len(packages), len(problems))
	return problems
}
