package deptest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/keychorus/keychorus"
	root   = "../.."
)

// rule forbids imports. A pattern that ends in / means everything below it.
type rule struct {
	from, never []string
	except      []string // packages that may
	allowed     []string // imports that never does not mean
	reason      string
}

// rules are the arrows of docs/design.md.
var rules = []rule{
	{
		[]string{module + "/keystore"},
		[]string{module + "/verifier", module + "/internal/", module + "/adapters/"},
		nil, nil, "a store knows records, not who uses them",
	},
	{
		[]string{module + "/internal/strictjson", module + "/internal/jws", module + "/internal/jwks", module + "/internal/dpop"},
		[]string{module + "/verifier", module + "/adapters/", module + "/keystore", module + "/internal/keyring"},
		nil, nil, "signatures and keys know nothing above them",
	},
	{
		[]string{module + "/internal/keyring"},
		[]string{module + "/verifier", module + "/adapters/"},
		nil, nil, "keys know no tokens",
	},
	{
		[]string{module + "/verifier"},
		[]string{module + "/adapters/", module + "/verifier/devissuer", "net/http/httptest"},
		nil, nil, "verification knows no HTTP server",
	},
	{
		[]string{module + "/verifier/devissuer"},
		[]string{module + "/internal/", module + "/keystore", module + "/adapters/", "testing"},
		nil, nil, "the development issuer is no part of verification, and is used by programs",
	},
	{
		[]string{module + "/"},
		[]string{"testing"},
		[]string{module + "/keystore/keystoretest", module + "/verifier/verifiertest", module + "/adapters/adaptertest"},
		nil, "only test kits import testing",
	},
	{
		[]string{module + "/keystore/", module + "/internal/"},
		[]string{"github.com/hashicorp/golang-lru/"},
		[]string{module + "/keystore/lru"}, nil, "one store knows the library",
	},
	{
		[]string{module + "/"},
		[]string{
			"github.com/gin-gonic/", "github.com/labstack/", "github.com/gofiber/", "google.golang.org/grpc", "connectrpc.com/",
			"github.com/modelcontextprotocol/", "github.com/redis/", "go.opentelemetry.io/otel/sdk/",
		},
		nil, nil, "frameworks, clients and telemetry back ends are for modules of their own",
	},
	{
		[]string{module + "/adapters/procedure"},
		[]string{module + "/adapters/guard", module + "/adapters/httpauth"},
		nil, nil, "rules for procedures know no transport",
	},
	{
		[]string{module + "/keystore/keystoretest"},
		[]string{"github.com/", "go.uber.org/", "golang.org/x/"},
		nil, []string{module + "/"}, "who tests a store imports nothing more",
	},
}

func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
	})
}

// broken returns what a package's dependencies break.
func broken(r rule, pkg string, deps []string) []string {
	if !matches(pkg, r.from) || matches(pkg, r.except) {
		return nil
	}
	var bad []string
	for _, d := range deps {
		if d != pkg && matches(d, r.never) && !matches(d, r.except) && !matches(d, r.allowed) {
			bad = append(bad, pkg+" depends on "+d+": "+r.reason)
		}
	}
	return bad
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return out
}

func TestArrows(t *testing.T) {
	dec := json.NewDecoder(bytes.NewReader(run(t, root, "go", "list", "-deps", "-json=ImportPath,Deps,Standard", "./...")))
	seen := 0
	for {
		var p struct {
			ImportPath string   `json:"ImportPath"`
			Deps       []string `json:"Deps"`
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(p.ImportPath, module+"/") {
			continue
		}
		seen++
		for _, r := range rules {
			for _, bad := range broken(r, p.ImportPath, p.Deps) {
				t.Error(bad)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

func TestRulesBite(t *testing.T) {
	for pkg, dep := range map[string]string{
		module + "/keystore":                module + "/verifier",
		module + "/internal/jws":            module + "/internal/keyring",
		module + "/internal/keyring":        module + "/verifier",
		module + "/verifier":                module + "/adapters/guard",
		module + "/verifier/devissuer":      module + "/internal/jws",
		module + "/adapters/guard":          "github.com/gin-gonic/gin",
		module + "/adapters/httpauth":       "testing",
		module + "/keystore/memory":         "github.com/hashicorp/golang-lru/v2/simplelru",
		module + "/keystore/keystoretest":   "github.com/stretchr/testify",
		module + "/verifier/somethingelse":  "go.opentelemetry.io/otel/sdk/trace",
		module + "/internal/jwks":           module + "/keystore",
		module + "/internal/strictjson":     module + "/adapters/guard",
		module + "/adapters/guard/sub/room": "google.golang.org/grpc",
	} {
		found := false
		for _, r := range rules {
			found = found || len(broken(r, pkg, []string{dep})) > 0
		}
		if !found {
			t.Errorf("no rule minds that %s depends on %s", pkg, dep)
		}
	}
}

// modules returns the folders that hold a go.mod, relative to the root.
func modules(t *testing.T) []string {
	t.Helper()
	out := run(t, root, "git", "ls-files", "-co", "--exclude-standard", "*go.mod", "go.mod")
	var dirs []string
	for f := range strings.FieldsSeq(string(out)) {
		dirs = append(dirs, filepath.Dir(f))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// Nothing but the compiler's leniency lets a nested module import what is internal here.
func TestNestedModulesUseWhatIsExported(t *testing.T) {
	for _, dir := range modules(t) {
		if dir == "." {
			continue
		}
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") {
				return nil
			}
			source, err := os.ReadFile(path)
			if bytes.Contains(source, []byte(`"`+module+`/internal/`)) {
				t.Errorf("%s imports an internal package", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirectDependenciesAreListed(t *testing.T) {
	listed := map[string]bool{}
	file, err := os.Open("dependencies.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 6 {
			t.Errorf("no reason in %q", lines.Text())
			continue
		}
		for where := range strings.SplitSeq(fields[1], ",") {
			listed[where+" "+fields[0]] = true
		}
	}
	for _, dir := range modules(t) {
		var mod struct {
			Require []struct {
				Path     string `json:"Path"`
				Indirect bool   `json:"Indirect"`
			} `json:"Require"`
		}
		if err := json.Unmarshal(run(t, filepath.Join(root, dir), "go", "mod", "edit", "-json"), &mod); err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Require {
			if r.Indirect || strings.HasPrefix(r.Path, module) {
				continue
			}
			if key := dir + " " + r.Path; listed[key] {
				delete(listed, key)
			} else {
				t.Errorf("module %s requires %s, which is not in dependencies.txt", dir, r.Path)
			}
		}
	}
	for key := range listed {
		t.Errorf("dependencies.txt lists %q, which is not required", key)
	}
}

// What a user of package verifier sees is small.
func TestModulesOfAUser(t *testing.T) {
	dir := t.TempDir()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"go.mod":  "module user.example.test\n\ngo 1.26\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + here + "\n",
		"main.go": "package main\n\nimport _ \"" + module + "/verifier\"\n\nfunc main() {}\n",
		"go.sum":  string(sums),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const most = 32
	if n := len(strings.Fields(string(run(t, dir, "go", "list", "-m", "-f", "{{.Path}}", "all")))); n > most {
		t.Errorf("a user of verifier sees %d modules, want at most %d", n, most)
	} else {
		t.Logf("a user of verifier sees %d modules", n)
	}
}
