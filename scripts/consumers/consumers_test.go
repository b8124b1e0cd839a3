package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const ours = "github.com/keychorus/keychorus"

// small is a tree with a module of each kind, which needs nothing from anywhere.
var small = map[string]string{
	"go.mod":                  "module " + ours + "\n\ngo 1.26.0\n",
	"LICENSE":                 "free\n",
	"CHANGELOG.md":            "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-12-01\n\n### Added\n\n- everything\n",
	".gitignore":              "/ignored/\n",
	"verifier/verifier.go":    "package verifier\n\nconst Name = \"verifier\"\n",
	"adapters/xauth/go.mod":   nested("adapters/xauth", ours),
	"adapters/xauth/xauth.go": "package xauth\n\nimport \"" + ours + "/verifier\"\n\nconst Name = verifier.Name\n",
	"cmd/keychorus/go.mod":    nested("cmd/keychorus", ours, ours+"/adapters/xauth"),
	"cmd/keychorus/main.go": "package main\n\nimport (\n\t\"" + ours + "/adapters/xauth\"\n\t\"" + ours + "/verifier\"\n)\n\n" +
		"func main() { println(xauth.Name, verifier.Name) }\n",
	"examples/go.mod": "module " + ours + "/examples\n",
}

func nested(dir string, requires ...string) string {
	mod := "module " + ours + "/" + dir + "\n\ngo 1.26.0\n"
	for _, r := range requires {
		mod += "\nrequire " + r + " v0.0.0\n\nreplace " + r + " => ../.." + strings.TrimPrefix(r, ours) + "\n"
	}
	return mod
}

// plant makes a repository of the files, with changes: an empty text leaves a file out.
func plant(t *testing.T, changes map[string]string) string {
	t.Helper()
	files := maps.Clone(small)
	maps.Copy(files, changes)
	dir := t.TempDir()
	for name, text := range files {
		if text != "" {
			put(t, dir, name, text)
		}
	}
	command(t, dir, "git", "init", "-q")
	commit(t, dir)
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	command(t, dir, "git", "add", "-A")
	command(t, dir, "git", "-c", "user.name=test", "-c", "user.email=test@example.test", "-c", "commit.gpgsign=false",
		"commit", "-q", "--allow-empty", "-m", "test")
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), dir, nil, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func prepare(t *testing.T, dir, version string) {
	t.Helper()
	tree, err := readTree(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.prepare(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	commit(t, dir)
}

// check runs release-check.sh, and returns what it prints and whether it accepts the tree.
func check(t *testing.T, dir, version string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../release-check.sh", version, dir).CombinedOutput()
	return string(out), err == nil
}

func TestReleaseIsRefused(t *testing.T) {
	edit := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			put(t, dir, name, text)
			commit(t, dir)
		}
	}
	prepared := plant(t, nil)
	prepare(t, prepared, "v0.1.0")
	for name, c := range map[string]struct {
		version string
		spoil   func(t *testing.T, dir string)
		want    string
	}{
		"no version":              {"0.1.0", nil, "0.1.0 is no version"},
		"leading zero":            {"v0.01.0", nil, "v0.01.0 is no version"},
		"no entry":                {"v0.1.0", edit("CHANGELOG.md", "## Unreleased\n\n- everything\n"), "CHANGELOG.md has no entry"},
		"entry without date":      {"v0.1.0", edit("CHANGELOG.md", "## 0.1.0\n\n- everything\n"), "CHANGELOG.md has no entry"},
		"entry of another":        {"v0.1.0", edit("CHANGELOG.md", "## 0.1.0 - 2026-12-01\n\n## 0.0.9 - 2026-11-01\n\n- x\n"), "CHANGELOG.md has no entry"},
		"prepared for another":    {"v0.2.0", nil, "adapters/xauth/go.mod requires " + ours + " at v0.1.0, want v0.2.0"},
		"replace line":            {"v0.1.0", edit("adapters/xauth/go.mod", small["adapters/xauth/go.mod"]), "adapters/xauth/go.mod has a replace line"},
		"v0.0.0":                  {"v0.1.0", edit("adapters/xauth/go.mod", small["adapters/xauth/go.mod"]), "adapters/xauth/go.mod requires something at v0.0.0"},
		"changed since prepared":  {"v0.1.0", edit("verifier/verifier.go", "package verifier\n\nconst Name = \"other\"\n"), "is not tidy"},
		"requires what is unused": {"v0.1.0", edit("cmd/keychorus/main.go", "package main\n\nfunc main() {}\n"), "is not tidy"},
		"not committed": {"v0.1.0", func(t *testing.T, dir string) {
			t.Helper()
			put(t, dir, "verifier/more.go", "package verifier\n")
		}, "changes that are not committed"},
		"tag is there": {"v0.1.0", func(t *testing.T, dir string) {
			t.Helper()
			command(t, dir, "git", "tag", "adapters/xauth/v0.1.0")
		}, "there is a tag adapters/xauth/v0.1.0 already"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(prepared)); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				c.spoil(t, dir)
			}
			out, ok := check(t, dir, c.version)
			if ok || !strings.Contains(out, c.want) {
				t.Errorf("accepted: %t, printed:\n%s\nwant %q", ok, out, c.want)
			}
		})
	}
}

func TestPreparedReleaseIsAccepted(t *testing.T) {
	dir := plant(t, nil)
	prepare(t, dir, "v0.1.0")
	out, ok := check(t, dir, "v0.1.0")
	if want := "v0.1.0\nadapters/xauth/v0.1.0\ncmd/keychorus/v0.1.0\n"; !ok || out != want {
		t.Errorf("accepted: %t, printed:\n%s\nwant:\n%s", ok, out, want)
	}
}

// The tree as it is between releases is refused, and what prepare makes of it is not.
func TestThisTree(t *testing.T) {
	dir := t.TempDir()
	command(t, dir, "git", "init", "-q")
	for name := range strings.SplitSeq(command(t, "../..", "git", "ls-files", "-z", "-co", "--exclude-standard"), "\x00") {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil { // deleted, or the empty name at the end
			continue
		}
		put(t, dir, name, string(text))
	}
	put(t, dir, "CHANGELOG.md", small["CHANGELOG.md"])
	commit(t, dir)
	if out, ok := check(t, dir, "v0.1.0"); ok || !strings.Contains(out, "cmd/keychorus/go.mod has a replace line") {
		t.Errorf("accepted: %t, printed:\n%s", ok, out)
	}
	prepare(t, dir, "v0.1.0")
	out, ok := check(t, dir, "v0.1.0")
	tags := strings.Fields(out)
	if !ok || len(tags) < 11 || tags[0] != "v0.1.0" || tags[1] != "keystore/redis/v0.1.0" || tags[len(tags)-1] != "cmd/keychorus/v0.1.0" {
		t.Errorf("accepted: %t, printed:\n%s", ok, out)
	}
	if i := slices.IndexFunc(tags, func(s string) bool { return matchesAny(kept, filepath.Dir(s)) }); i >= 0 {
		t.Errorf("%s is to be tagged", tags[i])
	}
}
