package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// mostOfVerifier is how many modules a program may list that imports package verifier alone,
// itself included.
const mostOfVerifier = 32

// consumer is a program that uses one module.
type consumer struct {
	name    string
	of      *mod
	imports []string
	most    int // modules; 0: any number
}

// build packs every published module and builds a program on each. The version has the
// hash of all files in it, so that no cache can answer with other ones.
func (t *tree) build(ctx context.Context, out io.Writer) (err error) {
	work, err := os.MkdirTemp("", "consumers")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	set, err := readSettings(ctx, t.root)
	if err != nil {
		return err
	}
	version, err := t.hashed()
	if err != nil {
		return err
	}
	proxy := filepath.Join(work, "proxy")
	for _, m := range t.modules {
		goMod, err := t.released(m, version)
		if err != nil {
			return err
		}
		if err := t.pack(proxy, m, version, goMod); err != nil {
			return fmt.Errorf("%s: %w", m.dir, err)
		}
	}
	defer func() { err = errors.Join(err, t.forget(set.modCache, version)) }()
	env := set.consumer(t.modules[0].path(), proxy)
	consumers, err := t.consumers(ctx)
	if err != nil {
		return err
	}
	for i, c := range consumers {
		line, err := t.consume(ctx, filepath.Join(work, fmt.Sprintf("c%d", i)), env, version, c)
		if err != nil {
			return fmt.Errorf("a consumer of %s: %w", c.name, err)
		}
		_, _ = fmt.Fprintln(out, line)
	}
	return nil
}

// consumers returns one for each module, which imports all it exports, and one for verifier.
func (t *tree) consumers(ctx context.Context) ([]consumer, error) {
	top := t.modules[0]
	all := []consumer{{name: "verifier alone", of: top, imports: []string{top.path() + "/verifier"}, most: mostOfVerifier}}
	for _, m := range t.modules {
		text, err := output(ctx, filepath.Join(t.root, m.dir), []string{"GOWORK=off"}, "go", "list", "-f", "{{.Name}} {{.ImportPath}}", "./...")
		if err != nil {
			return nil, err
		}
		c := consumer{name: m.dir, of: m}
		for line := range strings.Lines(text) {
			name, pkg, _ := strings.Cut(strings.TrimSpace(line), " ")
			if name != "main" && !strings.Contains(pkg+"/", "/internal/") && !isTestOnly(name) {
				c.imports = append(c.imports, pkg)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func isTestOnly(name string) bool { return name == "" || strings.HasSuffix(name, "_test") }

// consume makes and builds one program, or a command, and returns a line about it.
func (t *tree) consume(ctx context.Context, dir string, env []string, version string, c consumer) (string, error) {
	if err := t.write(dir, version, c); err != nil {
		return "", err
	}
	target := "."
	if len(c.imports) == 0 {
		target = c.of.path()
	}
	if _, err := output(ctx, dir, env, "go", "mod", "tidy"); err != nil {
		return "", err
	}
	if _, err := output(ctx, dir, env, "go", "build", "-o", os.DevNull, target); err != nil {
		return "", err
	}
	listed, err := output(ctx, dir, env, "go", "list", "-m", "-f", "{{.Path}} {{.Version}} {{with .Replace}}replaced{{end}}", "all")
	if err != nil {
		return "", err
	}
	used, err := output(ctx, dir, env, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", target)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(listed) {
		fields := strings.Fields(line)
		if isOurs(t.modules[0].path(), fields[0]) && !slices.Equal(fields[1:], []string{version}) {
			return "", fmt.Errorf("lists %s, want %s alone", strings.TrimSpace(line), version)
		}
	}
	n := strings.Count(listed, "\n")
	if c.most > 0 && n > c.most {
		return "", fmt.Errorf("lists %d modules, want at most %d:\n%s", n, c.most, listed)
	}
	built := slices.Compact(slices.Sorted(slices.Values(strings.Fields(used))))
	return fmt.Sprintf("%-22s %3d modules listed, %3d built, ok", c.name, n, len(built)), nil
}

// write makes the program. The checksums of others come from the module it uses, so that
// no database needs to be asked for what this repository has asked before.
func (t *tree) write(dir, version string, c consumer) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(t.root, c.of.dir, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var program strings.Builder
	program.WriteString("package main\n\n")
	for _, pkg := range c.imports {
		fmt.Fprintf(&program, "import _ %q\n", pkg)
	}
	program.WriteString("\nfunc main() {}\n")
	goMod := fmt.Sprintf("module consumer.example.test\n\ngo %s\n\nrequire %s %s\n", c.of.file.Go.Version, c.of.path(), version)
	if len(c.imports) == 0 { // a command; go install would ask the network for every prefix of its path
		goMod += "\ntool " + c.of.path() + "\n"
	}
	for name, text := range map[string]string{modFile: goMod, "go.sum": string(sums), "main.go": program.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// hashed returns a version that no other content has.
func (t *tree) hashed() (string, error) {
	hash := sha256.New()
	for _, m := range t.modules {
		for _, name := range m.files {
			text, err := os.ReadFile(filepath.Join(t.root, m.dir, name))
			if err != nil {
				return "", err
			}
			_, _ = fmt.Fprintf(hash, "%s %d\n%s", path.Join(m.dir, name), len(text), text)
		}
	}
	return "v0.0.0-consumer.h" + hex.EncodeToString(hash.Sum(nil))[:16], nil
}

// forget removes a version of our modules from the module cache.
func (t *tree) forget(cache, version string) error {
	var problems []error
	for _, m := range t.modules {
		escaped, err := module.EscapePath(m.path())
		if err != nil {
			return err
		}
		problems = append(problems, remove(filepath.Join(cache, escaped+"@"+version)))
		dir := filepath.Join(cache, "cache", "download", escaped, "@v")
		left, err := filepath.Glob(filepath.Join(dir, version+".*"))
		if err != nil {
			return err
		}
		if len(left) > 0 {
			left = append(left, filepath.Join(dir, "list")) // names this version; go asks for it anew
		}
		for _, name := range left {
			if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, err)
			}
		}
	}
	return errors.Join(problems...)
}
