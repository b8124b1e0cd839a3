package docstest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	module = "github.com/keychorus/keychorus"
	root   = "../.."
)

// frame is what surrounds a snippet that is no program: everything it may refer to.
const frame = `package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"` + module + `/adapters/guard"
	"` + module + `/adapters/httpauth"
	"` + module + `/adapters/procedure"
	rediskeystore "` + module + `/keystore/redis"
	"` + module + `/keystore/sealed"
	"` + module + `/verifier"
	"` + module + `/verifier/verifiertest"
)

func snippet(ctx context.Context, t *testing.T, v *verifier.Verifier, compact string,
	inClusterClient *http.Client, customers map[string]bool, policy verifier.Policy,
	g *guard.Guard, books http.Handler, secrets *sealed.Secrets, introspection *http.Client,
) error {
	{
%s
%s	}
	return nil
}

var _ = errors.Is
var _ http.Handler
var _ tls.Config
var _ = json.Marshal
var _ = io.ReadAll
var _ url.Values
var _ time.Time
var _ = guard.New
var _ = httpauth.Protect
var _ = procedure.Until
var _ = strings.Cut
var _ = os.Getenv
var _ = redis.NewClient
var _ = rediskeystore.New
var _ = sealed.New
var _ = verifiertest.NewIssuer

func main() {}
`

var (
	fences   = regexp.MustCompile("(?s)```go\n(.*?)```")
	code     = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	declared = regexp.MustCompile(`(?m)^(\w+)(?:, (\w+))? :=`)
)

// Snippets of the documentation compile.
func TestSnippetsCompile(t *testing.T) {
	dir := moduleOf(t)
	if n := extract(t, dir, pages(t)...); n < 30 {
		t.Fatalf("only %d snippets were found", n)
	}
	goRun(t, dir, "vet", "-unreachable=false", "./...") // compiles, tests too, and links nothing
}

// Tests in the page about testing pass as they stand there.
func TestTestsPass(t *testing.T) {
	dir := moduleOf(t)
	extract(t, dir, root+"/docs/testing.md")
	passed := bytes.Count(goRun(t, dir, "test", "-v", "./..."), []byte("\n--- PASS: "))
	text, err := os.ReadFile(root + "/docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	if written := bytes.Count(text, []byte("\nfunc Test")); passed != written || written < 5 {
		t.Errorf("%d of %d tests passed", passed, written)
	}
}

// pages returns everything that holds snippets or links.
func pages(t *testing.T) []string {
	t.Helper()
	files := []string{root + "/llms.txt"}
	for _, pattern := range []string{"/*.md", "/docs/*.md", "/docs/migration/*.md"} {
		found, err := filepath.Glob(root + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	return files
}

// extract writes each snippet of files into a package of its own, beside the tests that follow
// it under the same package clause, and returns how many there were.
func extract(t *testing.T, module string, files ...string) int {
	t.Helper()
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page, _, _ := strings.Cut(filepath.Base(file), ".")
		var dir, before string
		for _, m := range fences.FindAllSubmatch(text, -1) {
			n++
			clause, _, _ := strings.Cut(string(m[1]), "\n")
			isTest := strings.HasPrefix(clause, "package ") && bytes.Contains(m[1], []byte("\t\"testing\"\n"))
			if !isTest || clause != before {
				dir = fmt.Sprintf("%s/s%d_%s", module, n, strings.ToLower(page))
			}
			if before = ""; strings.HasPrefix(clause, "package ") {
				before = clause
			}
			name, content := "main.go", program(m[1])
			if isTest {
				name = fmt.Sprintf("t%d_test.go", n)
			}
			write(t, filepath.Join(dir, name), content)
		}
	}
	return n
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func goRun(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return out
}

// moduleOf returns the directory of a module that may import every module of this repository
// that has a name of its own in the documentation, and what these require.
func moduleOf(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mod := fmt.Appendf(nil, "module docs.example.test\n\ngo 1.26\n")
	dirs := []string{here}
	for _, pattern := range []string{"keystore", "adapters"} {
		found, err := filepath.Glob(filepath.Join(here, pattern, "*", "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			dirs = append(dirs, filepath.Dir(file))
		}
	}
	for _, dir := range dirs {
		path := module + filepath.ToSlash(strings.TrimPrefix(dir, here))
		mod = fmt.Appendf(mod, "\nrequire %s v0.0.0\n\nreplace %s => %s\n", path, path, dir)
	}
	var sums []byte
	for _, dir := range append(dirs, filepath.Join(here, "examples")) { // which requires all adapters, and so what they come to together
		text, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, text...)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), sums)
	return dir
}

// program makes a whole program of a snippet.
func program(snippet []byte) []byte {
	if bytes.HasPrefix(snippet, []byte("package ")) {
		return snippet
	}
	var used strings.Builder
	for _, m := range declared.FindAllSubmatch(snippet, -1) {
		for _, name := range m[1:] {
			if len(name) > 0 && string(name) != "_" {
				fmt.Fprintf(&used, "\t_ = %s\n", name)
			}
		}
	}
	return fmt.Appendf(nil, frame, snippet, used.String())
}

var links = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// Links within the repository lead somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllSubmatch(code.ReplaceAll(text, nil), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), string(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(file), m[1])
			}
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > 180 {
		t.Errorf("README.md has %d lines, want at most 180", n)
	}
}
