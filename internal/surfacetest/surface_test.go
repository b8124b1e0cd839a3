package surfacetest_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write surface.txt")

const (
	golden = "surface.txt"
	root   = "../.."
)

// unpublished are the folders nobody imports: programs, what is internal, what is for this
// project only.
var unpublished = []string{"internal", "cmd", "examples", "benchmarks", "e2e", "scripts", "docs", "testdata", "node_modules"}

// packages returns the folders of the published packages, relative to the root.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || slices.Contains(unpublished, name)) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			dirs = append(dirs, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// exported returns one line for each exported name of the package in dir.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	fset := token.NewFileSet()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	p, err := doc.NewFromFiles(fset, parsed, dir)
	if err != nil {
		t.Fatal(err)
	}
	l := lister{fset: fset}
	l.values("const", p.Consts)
	l.values("var", p.Vars)
	l.functions(p.Funcs)
	for _, typ := range p.Types {
		l.named(typ)
	}
	return l.lines
}

// lister turns declarations into lines.
type lister struct {
	fset  *token.FileSet
	lines []string
}

func (l *lister) source(node any) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, l.fset, node); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (l *lister) add(words ...string) {
	l.lines = append(l.lines, strings.TrimSpace(strings.Join(words, " ")))
}

// values lists constants with their value, which is part of what users see, and variables with
// their type where one is written.
func (l *lister) values(kind string, groups []*doc.Value) {
	for _, g := range groups {
		for _, spec := range g.Decl.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for i, name := range v.Names {
				if !name.IsExported() {
					continue
				}
				words := []string{kind, name.Name}
				if v.Type != nil {
					words = append(words, l.source(v.Type))
				}
				if kind == "const" && i < len(v.Values) {
					words = append(words, "=", l.source(v.Values[i]))
				}
				l.add(words...)
			}
		}
	}
}

func (l *lister) functions(list []*doc.Func) {
	for _, f := range list {
		decl := *f.Decl
		decl.Doc, decl.Body = nil, nil
		l.add(l.source(&decl))
	}
}

func (l *lister) named(typ *doc.Type) {
	spec, ok := typ.Decl.Specs[0].(*ast.TypeSpec)
	if !ok {
		return
	}
	switch underlying := spec.Type.(type) {
	case *ast.StructType:
		l.add("type", typ.Name, "struct")
		l.members(typ.Name+".", underlying.Fields)
	case *ast.InterfaceType:
		l.add("type", typ.Name, "interface")
		l.members(typ.Name+".", underlying.Methods)
	default:
		l.add("type", typ.Name, map[bool]string{true: "= "}[spec.Assign.IsValid()]+l.source(spec.Type))
	}
	l.values("const", typ.Consts)
	l.values("var", typ.Vars)
	l.functions(typ.Funcs)
	l.functions(typ.Methods)
}

// members lists exported fields or methods; what is embedded counts as a member of its own name.
func (l *lister) members(of string, list *ast.FieldList) {
	for _, f := range list.List {
		for _, name := range f.Names {
			if name.IsExported() {
				l.add(of+name.Name, l.source(f.Type))
			}
		}
		if len(f.Names) == 0 {
			l.add(of+"embedded", l.source(f.Type))
		}
	}
}

func TestSurface(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Every exported name. Kept by: go test ./internal/surfacetest -update\n")
	dirs := packages(t)
	for _, dir := range dirs {
		b.WriteString("\npackage " + filepath.ToSlash(dir) + "\n")
		for _, line := range exported(t, dir) {
			b.WriteString("\t" + line + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) < 15 {
		t.Errorf("only %d packages were found", len(dirs))
	}
	was, is := strings.Split(string(kept), "\n"), strings.Split(b.String(), "\n")
	for _, line := range is {
		if !slices.Contains(was, line) {
			t.Errorf("new or changed, not in %s: %s", golden, line)
		}
	}
	for _, line := range was {
		if !slices.Contains(is, line) {
			t.Errorf("gone or changed, still in %s (-update after one that is meant): %s", golden, line)
		}
	}
	if !t.Failed() && string(kept) != b.String() {
		t.Errorf("%s is in another order", golden)
	}
}

// A name that appears, changes or goes shows as a line.
func TestExportedNamesAreListed(t *testing.T) {
	lines := strings.Join(exported(t, "internal/surfacetest/testdata/shapes"), "\n")
	want := strings.TrimSpace(`
const Limit = 3
var ErrShape error
type Named interface
Named.embedded error
Named.Name func() string
type Option func(*Shape)
type Shape struct
Shape.Sides int
func New(sides int, opts ...Option) (*Shape, error)
func (s *Shape) Area() float64
type Text = string`)
	if lines != want {
		t.Errorf("listed:\n%s\nwant:\n%s", lines, want)
	}
}
