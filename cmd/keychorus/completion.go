package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
)

func completionCommand() command {
	return command{
		name:      "completion",
		summary:   "completion of commands and flags for a shell",
		arguments: []string{"SHELL"},
		details: `
Prints a script for bash, zsh or fish, made from the commands of this very program.

  source <(keychorus completion bash)                  in ~/.bashrc
  source <(keychorus completion zsh)                   in ~/.zshrc, after compinit
  keychorus completion fish > ~/.config/fish/completions/keychorus.fish`,
		setup: func(*flag.FlagSet) action { return complete },
	}
}

func complete(_ context.Context, c *call, args []string) error {
	write, ok := map[string]func(io.Writer, []place) error{"bash": bash, "zsh": zsh, "fish": fish}[args[0]]
	if !ok {
		return misuse("", "SHELL is one of bash, zsh and fish")
	}
	return write(c.stdout, places(program(), "keychorus"))
}

// place is a command and what may come next.
type place struct {
	path  string
	words []word
}

type word struct{ name, summary string }

// places returns every command of the table, each before those below it.
func places(cmd command, path string) []place {
	here := place{path: path}
	for _, s := range cmd.sub {
		here.words = append(here.words, word{s.name, s.summary})
	}
	if cmd.setup != nil {
		flags := flag.NewFlagSet(path, flag.ContinueOnError)
		cmd.setup(flags)
		flags.VisitAll(func(f *flag.Flag) {
			_, usage := flag.UnquoteUsage(f)
			here.words = append(here.words, word{"--" + f.Name, usage})
		})
	}
	if cmd.name == "completion" {
		here.words = append(here.words, word{"bash", ""}, word{"zsh", ""}, word{"fish", ""})
	}
	here.words = append(here.words, word{"--help", "explain this command"})
	all := append(make([]place, 0, 1+len(cmd.sub)), here)
	for _, s := range cmd.sub {
		all = append(all, places(s, path+" "+s.name)...)
	}
	return all
}

func (p *place) names() string {
	names := make([]string, len(p.words))
	for i, w := range p.words {
		names[i] = w.name
	}
	return strings.Join(names, " ")
}

// paths are the patterns of a case that lead to a command.
func paths(all []place) string {
	patterns := make([]string, len(all))
	for i, p := range all {
		patterns[i] = `"` + p.path + `"`
	}
	return strings.Join(patterns, "|")
}

func bash(w io.Writer, all []place) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# keychorus for bash
_keychorus() {
	local at=keychorus word current=${COMP_WORDS[COMP_CWORD]}
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case "$at $word" in
		%s) at="$at $word" ;;
		esac
	done
	COMPREPLY=()
	case "$at" in
`, paths(all))
	for _, p := range all {
		fmt.Fprintf(&b, "\t\"%s\") COMPREPLY=($(compgen -W '%s' -- \"$current\")) ;;\n", p.path, p.names())
	}
	b.WriteString("\tesac\n}\ncomplete -o default -F _keychorus keychorus\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func zsh(w io.Writer, all []place) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef keychorus
_keychorus() {
	local at=keychorus word
	for word in "${(@)words[2,CURRENT-1]}"; do
		case "$at $word" in
		%s) at="$at $word" ;;
		esac
	done
	case "$at" in
`, paths(all))
	for _, p := range all {
		fmt.Fprintf(&b, "\t\"%s\") compadd -- %s && return ;;\n", p.path, p.names())
	}
	b.WriteString("\tesac\n\t_files\n}\ncompdef _keychorus keychorus\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func fish(w io.Writer, all []place) error {
	var b strings.Builder
	b.WriteString("# keychorus for fish\nfunction __keychorus_at\n\tset -l at keychorus\n" +
		"\tfor word in (commandline -opc)[2..]\n\t\tswitch \"$at $word\"\n\t\t\tcase " +
		strings.ReplaceAll(paths(all), "|", " ") + "\n\t\t\t\tset at \"$at $word\"\n\t\tend\n\tend\n\ttest \"$at\" = \"$argv[1]\"\nend\n")
	for _, p := range all {
		for _, word := range p.words {
			kind := "-f -a " + word.name
			if long, ok := strings.CutPrefix(word.name, "--"); ok {
				kind = "-l " + long
			}
			fmt.Fprintf(&b, "complete -c keychorus -n '__keychorus_at \"%s\"' %s -d '%s'\n", p.path, kind, strings.ReplaceAll(word.summary, "'", `\'`))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
