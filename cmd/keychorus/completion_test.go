//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The script is run by a real bash.
func TestBashCompletes(t *testing.T) {
	got := invoke(t, nil, "completion", "bash")
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	file := filepath.Join(t.TempDir(), "keychorus.bash")
	if err := os.WriteFile(file, []byte(got.out), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"keychorus ":                         "explain doctor keys issuer secret fleet completion --help",
		"keychorus e":                        "explain",
		"keychorus fleet ":                   "show revoke purge watch --help",
		"keychorus fleet sh":                 "show",
		"keychorus fleet --json show --name": "--namespace",
		"keychorus explain --aud":            "--audience",
		"keychorus completion ":              "bash zsh fish --help",
		"keychorus explain --issuer fleet -": "--alg --allow-http-unsafe --any-audience-unsafe --audience --client --domain --issuer --json --jwks --leeway --rfc9068 --timeout --help",
	} {
		script := `source "$1"; read -ra COMP_WORDS <<< "$2"; [[ "$2" == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _keychorus; echo "${COMPREPLY[*]}"`
		out, err := exec.CommandContext(t.Context(), "bash", "-c", script, "bash", file, line).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q completes to %q, want %q (%v)", line, out, want, err)
		}
	}
}

// Every command and every flag of the table is in every script.
func TestCompletionKnowsTheWholeTable(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		got := invoke(t, nil, "completion", shell)
		for _, p := range places(program(), "keychorus") {
			if !strings.Contains(got.out, `"`+p.path+`"`) {
				t.Errorf("%s does not know %s", shell, p.path)
			}
			for _, w := range p.words {
				if !strings.Contains(got.out, strings.TrimPrefix(w.name, "--")) {
					t.Errorf("%s does not know %s of %s", shell, w.name, p.path)
				}
			}
		}
	}
}
