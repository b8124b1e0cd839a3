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
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	rediskeystore "` + module + `/keystore/redis"
	"` + module + `/keystore/sealed"
	"` + module + `/verifier"
	"` + module + `/verifier/verifiertest"
)

func snippet(ctx context.Context, t *testing.T, v *verifier.Verifier, compact string,
	inClusterClient *http.Client, customers map[string]bool, policy verifier.Policy,
) error {
	{
%s
%s	}
	return nil
}

var _ = errors.Is
var _ http.Handler
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
	sums, err := os.ReadFile(root + "/go.sum")
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
	mod := "module docs.example.test\n\ngo 1.26\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + here + "\n"
	for _, nested := range []string{"keystore/redis"} {
		mod += "\nreplace " + module + "/" + nested + " => " + here + "/" + nested + "\n"
	}
	write("go.mod", []byte(mod))
	write("go.sum", sums)
	n := 0
	for _, file := range append(files, root+"/README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fences.FindAllSubmatch(text, -1) {
			n++
			write(fmt.Sprintf("s%d_%s/main.go", n, strings.ToLower(strings.TrimSuffix(filepath.Base(file), ".md"))), program(m[1]))
		}
	}
	if n < 4 {
		t.Fatalf("only %d snippets were found", n)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// program makes a whole program of a snippet.
func program(snippet []byte) []byte {
	if bytes.HasPrefix(snippet, []byte("package ")) {
		return snippet
	}
	var used strings.Builder
	for _, m := range declared.FindAllSubmatch(snippet, -1) {
		for _, name := range m[1:] {
			if len(name) > 0 {
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
		for _, m := range links.FindAllSubmatch(text, -1) {
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
