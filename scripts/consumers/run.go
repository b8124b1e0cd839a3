package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// output runs a command in dir and returns what it prints. env is added to the environment.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // git and go, with arguments of this program
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// settings are what the go command says of itself.
type settings struct{ modCache, proxy, noSumDB string }

func readSettings(ctx context.Context, dir string) (settings, error) {
	text, err := output(ctx, dir, nil, "go", "env", "GOMODCACHE", "GOPROXY", "GONOSUMDB")
	if err != nil {
		return settings{}, err
	}
	lines := append(strings.Split(text, "\n"), "", "", "")
	return settings{lines[0], lines[1], lines[2]}, nil
}

// consumer returns the environment of somebody who gets our modules from the proxy in a folder,
// and all others from where they always come. What that proxy lacks is not looked for in a
// repository of ours.
func (s settings) consumer(ours, proxy string) []string {
	return []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + "," + s.proxy, "GONOSUMDB=" + strings.TrimPrefix(s.noSumDB+","+ours, ","),
		"GONOPROXY=none", "GOVCS=" + ours + ":off,public:git|hg,private:all",
		"GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local",
	}
}

// remove removes folders of a module cache, which are read-only.
func remove(dir string) error {
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o700) //nolint:gosec // a folder has to be entered to be emptied
		}
		return err
	})
	return os.RemoveAll(dir)
}
