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
	blocks   = regexp.MustCompile("(?s)```.*?```")
	declared = regexp.MustCompile(`(?m)^(\w+)(?:, (\w+))? :=`)
)

// Snippets of the documentation compile.
func TestSnippetsCompile(t *testing.T) {
	files, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mod, sums := moduleOf(t, here)
	write("go.mod", mod)
	write("go.sum", sums)
	n := 0
	for _, file := range append(files, root+"/README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dir, before string
		for _, m := range fences.FindAllSubmatch(text, -1) {
			n++
			clause, _, _ := strings.Cut(string(m[1]), "\n")
			if clause == before && bytes.Contains(m[1], []byte("\t\"testing\"\n")) { // a test of what stands before it
				write(dir+"/main_test.go", m[1])
				continue
			}
			dir = fmt.Sprintf("s%d_%s", n, strings.ToLower(strings.TrimSuffix(filepath.Base(file), ".md")))
			if before = ""; strings.HasPrefix(clause, "package ") {
				before = clause
			}
			write(dir+"/main.go", program(m[1]))
		}
	}
	if n < 4 {
		t.Fatalf("only %d snippets were found", n)
	}
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-unreachable=false", "./...") // compiles, tests too, and links nothing
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// moduleOf returns go.mod and go.sum of a module that may import every module of this
// repository that has a name of its own in the documentation, and what these require.
func moduleOf(t *testing.T, here string) (mod, sums []byte) {
	t.Helper()
	mod = fmt.Appendf(nil, "module docs.example.test\n\ngo 1.26\n")
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
	for _, dir := range append(dirs, filepath.Join(here, "examples")) { // which requires all adapters, and so what they come to together
		text, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, text...)
	}
	return mod, sums
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
	var files []string
	for _, pattern := range []string{"/*.md", "/docs/*.md"} {
		found, err := filepath.Glob(root + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllSubmatch(blocks.ReplaceAll(text, nil), -1) {
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
