package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

const modFile = "go.mod"

// published are the folders whose modules get tags, in the order of these. No module may
// require one that comes later. Patterns are those of path.Match.
var published = []string{".", "keystore/*", "adapters/*", "cmd/*"}

// kept are the folders whose modules are for this repository alone.
var kept = []string{"examples", "examples/*", "benchmarks", "e2e", "scripts/*"}

// tree is a checkout.
type tree struct {
	root    string // absolute
	modules []*mod // published ones, in the order of their tags
}

// mod is a published module.
type mod struct {
	dir   string // relative to the root, with slashes
	file  *modfile.File
	files []string // relative to dir, with slashes
}

func (m *mod) path() string { return m.file.Module.Mod.Path }

// readTree finds the published modules of a checkout, among what git would commit.
func readTree(ctx context.Context, root string) (*tree, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	listed, err := output(ctx, root, nil, "git", "ls-files", "-z", "-co", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var files, dirs []string
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil || !info.Mode().IsRegular() { // deleted, or a link, which no module can hold
			continue
		}
		files = append(files, name)
		if path.Base(name) == modFile {
			dirs = append(dirs, path.Dir(name))
		}
	}
	t := &tree{root: root}
	if t.modules, err = readModules(root, dirs); err != nil {
		return nil, err
	}
	for _, name := range files {
		dir := owner(dirs, name)
		if i := slices.IndexFunc(t.modules, func(m *mod) bool { return m.dir == dir }); i >= 0 {
			t.modules[i].files = append(t.modules[i].files, relative(dir, name))
		}
	}
	return t, nil
}

// readModules returns the published modules among dirs, in order.
func readModules(root string, dirs []string) ([]*mod, error) {
	var (
		modules  []*mod
		problems []error
	)
	slices.Sort(dirs)
	for _, pattern := range published {
		for _, dir := range dirs {
			if ok, _ := path.Match(pattern, dir); !ok {
				continue
			}
			name := filepath.Join(root, dir, modFile)
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			file, err := modfile.Parse(name, text, nil)
			if err != nil {
				return nil, err
			}
			modules = append(modules, &mod{dir: dir, file: file})
		}
	}
	if len(modules) == 0 || modules[0].dir != "." {
		return nil, errors.New("there is no module at the top")
	}
	for _, dir := range dirs {
		if !matchesAny(published, dir) && !matchesAny(kept, dir) {
			problems = append(problems, fmt.Errorf("module %s is neither published nor kept: say which in scripts/consumers/tree.go", dir))
		}
	}
	return modules, errors.Join(append(problems, checkOrder(modules))...)
}

// checkOrder returns what is wrong with the names of modules, and with what they require.
func checkOrder(modules []*mod) error {
	var problems []error
	ours := modules[0].path()
	for i, m := range modules {
		if want := path.Join(ours, m.dir); m.path() != want {
			problems = append(problems, fmt.Errorf("%s/go.mod is of module %s, want %s", m.dir, m.path(), want))
		}
		for _, r := range m.file.Require {
			if isOurs(ours, r.Mod.Path) && !slices.ContainsFunc(modules[:i], func(o *mod) bool { return o.path() == r.Mod.Path }) {
				problems = append(problems, fmt.Errorf("%s requires %s, which is not published before it", m.dir, r.Mod.Path))
			}
		}
	}
	return errors.Join(problems...)
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, dir)
		return ok
	})
}

func isOurs(ours, path string) bool { return path == ours || strings.HasPrefix(path, ours+"/") }

// owner returns the deepest of the dirs that a file lies in.
func owner(dirs []string, name string) string {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if dir == "." || slices.Contains(dirs, dir) {
			return dir
		}
	}
}

func relative(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

// released returns the go.mod of a module as it is in a release: it requires ours at this
// version and replaces none.
func (t *tree) released(m *mod, version string) ([]byte, error) {
	ours := t.modules[0].path()
	text, err := os.ReadFile(filepath.Join(t.root, m.dir, modFile))
	if err != nil {
		return nil, err
	}
	file, err := modfile.Parse(modFile, text, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Clone(file.Replace) {
		if !isOurs(ours, r.Old.Path) {
			return nil, fmt.Errorf("%s replaces %s, which nobody but this repository would get", m.dir, r.Old.Path)
		}
		if err := file.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return nil, err
		}
	}
	for _, r := range file.Require {
		if isOurs(ours, r.Mod.Path) {
			if err := file.AddRequire(r.Mod.Path, version); err != nil {
				return nil, err
			}
		}
	}
	file.Cleanup()
	return file.Format()
}
