package main

import (
	"archive/zip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTreeIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]string
		want    string
	}{
		"module in an unknown place": {map[string]string{"stray/go.mod": "module " + ours + "/stray\n"}, "stray is neither published nor kept"},
		"no module at the top":       {map[string]string{"go.mod": ""}, "no module at the top"},
		"module of another name":     {map[string]string{"adapters/xauth/go.mod": nested("adapters/yauth", ours)}, "want " + ours + "/adapters/xauth"},
		"requires what comes later":  {map[string]string{"adapters/xauth/go.mod": nested("adapters/xauth", ours+"/cmd/keychorus")}, "is not published before it"},
		"requires what is kept":      {map[string]string{"adapters/xauth/go.mod": nested("adapters/xauth", ours+"/examples")}, "is not published before it"},
		"no module file":             {map[string]string{"adapters/xauth/go.mod": "modul\n"}, "go.mod"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readTree(t.Context(), plant(t, c.changes)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Whoever replaces a module of others builds something that nobody else gets.
func TestForeignReplaceIsRefused(t *testing.T) {
	dir := plant(t, map[string]string{
		"adapters/xauth/go.mod": nested("adapters/xauth", ours) + "\nreplace example.test/a => example.test/b v1.0.0\n",
	})
	tree, err := readTree(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.prepare(t.Context(), "v0.1.0"); err == nil || !strings.Contains(err.Error(), "replaces example.test/a") {
		t.Error(err)
	}
}

func TestPackedModules(t *testing.T) {
	dir := plant(t, nil)
	put(t, dir, "ignored/secret.go", "package ignored\n")
	put(t, dir, "verifier/new.go", "package verifier\n") // not committed yet
	tree, err := readTree(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	proxy := t.TempDir()
	for i, want := range [][]string{
		{".gitignore", "CHANGELOG.md", "LICENSE", "go.mod", "verifier/new.go", "verifier/verifier.go"},
		{"LICENSE", "go.mod", "xauth.go"}, // the licence of the top
	} {
		m := tree.modules[i]
		if err := tree.packAsIs(proxy, m, "v1.0.0"); err != nil {
			t.Fatal(err)
		}
		r, err := zip.OpenReader(filepath.Join(proxy, m.path(), "@v", "v1.0.0.zip"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.File {
			got = append(got, strings.TrimPrefix(f.Name, m.path()+"@v1.0.0/"))
		}
		_ = r.Close()
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", m.dir, got, want)
		}
	}
}

func TestConsumersAreBuilt(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]string
		want    string // of the error
	}{
		"good": {nil, ""},
		"a file that git ignores": {map[string]string{
			".gitignore": "verifier/verifier.go\n", "verifier/doc.go": "package verifier\n",
		}, "a consumer of adapters/xauth"},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := readTree(t.Context(), plant(t, c.changes))
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = tree.build(t.Context(), &out)
			switch {
			case c.want == "" && (err != nil || strings.Count(out.String(), ", ok\n") != 1+len(tree.modules)):
				t.Errorf("%v\n%s", err, &out)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q\n%s", err, c.want, &out)
			}
		})
	}
}

func TestConsumerListsNoMoreThanItMay(t *testing.T) {
	tree, err := readTree(t.Context(), plant(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	err = tree.apart(t.Context(), "v1.0.0", func(proxy string, env []string) error {
		if err := tree.packAsIs(proxy, tree.modules[0], "v1.0.0"); err != nil {
			return err
		}
		c := consumer{name: "verifier alone", of: tree.modules[0], imports: []string{ours + "/verifier"}}
		for most, want := range []bool{true, false, true} { // itself and ours are two; 0 is any number
			c.most = most
			if _, err := tree.consume(t.Context(), t.TempDir(), env, "v1.0.0", c); (err == nil) != want {
				t.Errorf("at most %d: %v", most, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
