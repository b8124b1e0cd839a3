//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fleetDir is where the program of the replicas is, from this package.
const fleetDir = "../../examples"

// build builds the replicas into dir. With clocks it builds them over a standard library whose
// wall clock can be set: Go reads the clock without the C library, so that tools which come in
// between there do not reach it. Nothing else of the program differs.
func build(ctx context.Context, dir string, clocks bool) (path string, err error) {
	path = filepath.Join(dir, "replica")
	args := []string{"build", "-o", path}
	if clocks {
		overlay, err := settableClock(ctx, dir)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	return path, run(ctx, fleetDir, append(args, "./fleet")...)
}

func run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("chaos: go %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// settableClock writes the changed files and returns the list that tells the compiler to use
// them instead.
func settableClock(ctx context.Context, dir string) (overlay string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("chaos: go env: %w", err)
	}
	library := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(library, "time.go"))
	if err != nil {
		return "", fmt.Errorf("chaos: %w", err)
	}
	const before, after = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()", "func Now() Time {\n\tsec, nsec, mono := setNow()"
	if strings.Count(string(source), before) != 1 {
		return "", errors.New("chaos: this Go reads the clock in a way that is not known here")
	}
	changed := filepath.Join(dir, "time.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), before, after, 1)), 0o600); err != nil {
		return "", fmt.Errorf("chaos: %w", err)
	}
	here, err := filepath.Abs("testdata")
	if err != nil {
		return "", fmt.Errorf("chaos: %w", err)
	}
	fleet, err := filepath.Abs(filepath.Join(fleetDir, "fleet"))
	if err != nil {
		return "", fmt.Errorf("chaos: %w", err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(library, "time.go"):        changed,
		filepath.Join(library, "chaos_clock.go"): filepath.Join(here, "time.go.txt"),
		filepath.Join(fleet, "chaos_clock.go"):   filepath.Join(here, "clock.go.txt"),
	}})
	if err != nil {
		return "", fmt.Errorf("chaos: %w", err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}
