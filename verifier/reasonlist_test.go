package verifier_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

// A reason that is declared has its texts, and so its line in docs/errors.md.
func TestEveryDeclaredReasonHasTexts(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for r := range verifier.Reasons() {
		known[string(r)] = true
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != "Reason" {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil || !known[value] {
			t.Errorf("%s has no entry in reasonTable", spec.Names[0])
		}
		declared++
		return true
	})
	if declared != len(known) {
		t.Errorf("%d reasons are declared, %d have texts", declared, len(known))
	}
}
