package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// apart calls do with an empty proxy and an environment that uses it. What is packed there has
// a version that the world will know too, so our modules have a cache of their own: nothing
// of them must stay in that of the user, with which all other modules are shared.
func (t *tree) apart(ctx context.Context, version string, do func(proxy string, env []string) error) (err error) {
	if semver.Canonical(version) != version || semver.Build(version) != "" {
		return fmt.Errorf("%q is no version such as v1.2.3", version)
	}
	work, err := os.MkdirTemp("", "consumers")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(work)) }()
	set, err := readSettings(ctx, t.root)
	if err != nil {
		return err
	}
	ours, proxy, cache := t.modules[0].path(), filepath.Join(work, "proxy"), filepath.Join(work, "cache")
	owner := path.Dir(ours)
	if err := share(set.modCache, cache, []string{owner, path.Join("cache/download", owner)}); err != nil {
		return err
	}
	return do(proxy, append(set.consumer(ours, proxy), "GOMODCACHE="+cache))
}

// share makes the folder to, with links to what is in from, except for some paths below it.
func share(from, to string, except []string) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		var apart bool
		var inside []string
		for _, x := range except {
			if first, rest, more := strings.Cut(x, "/"); first == e.Name() && more {
				inside = append(inside, rest)
			} else {
				apart = apart || first == e.Name()
			}
		}
		there, here := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case apart:
		case len(inside) > 0:
			err = errors.Join(err, share(there, here, inside))
		default:
			err = errors.Join(err, os.Symlink(there, here))
		}
	}
	return err
}

// prepare rewrites go.mod and go.sum of every published module for a release. The checksums
// of our modules are those that tags on this very tree will have.
func (t *tree) prepare(ctx context.Context, version string) error {
	return t.apart(ctx, version, func(proxy string, env []string) error {
		for _, m := range t.modules {
			goMod, err := t.released(m, version)
			if err != nil {
				return err
			}
			dir := filepath.Join(t.root, m.dir)
			if err := os.WriteFile(filepath.Join(dir, modFile), goMod, 0o644); err != nil { //nolint:gosec // as it was
				return err
			}
			if _, err := output(ctx, dir, env, "go", "mod", "tidy"); err != nil {
				return fmt.Errorf("%s: %w", m.dir, err)
			}
			if _, err := os.Lstat(filepath.Join(dir, "go.sum")); err == nil && !slices.Contains(m.files, "go.sum") {
				m.files = append(m.files, "go.sum") // there was none before
			}
			if err := t.packAsIs(proxy, m, version); err != nil {
				return err
			}
		}
		return nil
	})
}

// tidy fails if go mod tidy would change a published module, given that those before it are
// published as they are.
func (t *tree) tidy(ctx context.Context, version string) error {
	return t.apart(ctx, version, func(proxy string, env []string) error {
		for _, m := range t.modules {
			if _, err := output(ctx, filepath.Join(t.root, m.dir), env, "go", "mod", "tidy", "-diff"); err != nil {
				return fmt.Errorf("%s is not tidy: %w", m.dir, err)
			}
			if err := t.packAsIs(proxy, m, version); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tree) packAsIs(proxy string, m *mod, version string) error {
	goMod, err := os.ReadFile(filepath.Join(t.root, m.dir, modFile))
	if err != nil {
		return err
	}
	if err := t.pack(proxy, m, version, goMod); err != nil {
		return fmt.Errorf("%s: %w", m.dir, err)
	}
	return nil
}
