package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// help explains a command. flags is nil for a table of commands.
func (cmd command) help(w io.Writer, path string, flags *flag.FlagSet) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nUsage:\n  %s", path, cmd.summary, path)
	if cmd.sub != nil {
		b.WriteString(" COMMAND\n\nCommands:\n")
		for _, s := range cmd.sub {
			fmt.Fprintf(&b, "  %-10s %s\n", s.name, s.summary)
		}
	} else {
		if hasFlags(flags) {
			b.WriteString(" [FLAGS]")
		}
		for _, a := range cmd.arguments {
			b.WriteString(" " + a)
		}
		b.WriteString("\n")
	}
	if cmd.details != "" {
		b.WriteString("\n" + strings.TrimSpace(cmd.details) + "\n")
	}
	if hasFlags(flags) {
		b.WriteString("\nFlags:\n")
		flags.VisitAll(func(f *flag.Flag) { describe(&b, f) })
	}
	b.WriteString("\n" + exitCodes)
	if cmd.sub != nil {
		fmt.Fprintf(&b, "\nMore on a command: %s COMMAND --help\n", path)
	}
	_, _ = io.WriteString(w, b.String())
}

func hasFlags(flags *flag.FlagSet) bool {
	found := false
	if flags != nil {
		flags.VisitAll(func(*flag.Flag) { found = true })
	}
	return found
}

func describe(b *strings.Builder, f *flag.Flag) {
	value, usage := flag.UnquoteUsage(f)
	fmt.Fprintf(b, "  %-26s %s", strings.TrimSpace("--"+f.Name+" "+value), usage)
	if f.DefValue != "" && f.DefValue != "false" {
		fmt.Fprintf(b, " (default %s)", f.DefValue)
	}
	b.WriteString("\n")
}

func seeHelp(path string) string { return "see " + path + " --help" }

// suggest names the command that was probably meant.
func (cmd command) suggest(path, name string) string {
	names := make([]string, len(cmd.sub))
	for i, s := range cmd.sub {
		names[i] = s.name
	}
	if near, ok := nearest(name, names); ok {
		return "did you mean " + path + " " + near + "?"
	}
	return seeHelp(path)
}

// suggestFlag names the flag that was probably meant.
func suggestFlag(flags *flag.FlagSet, path string, err error) string {
	_, name, unknown := strings.Cut(err.Error(), "not defined: -")
	if !unknown {
		return seeHelp(path)
	}
	if strings.Contains(name, "secret") {
		return "a secret is never an argument: " + secretHint
	}
	var names []string
	flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if near, ok := nearest(name, names); ok {
		return "did you mean --" + near + "?"
	}
	return seeHelp(path)
}

// nearest returns the word that is at most two edits away, or that word begins.
func nearest(word string, words []string) (string, bool) {
	best, distance := "", 3
	for _, w := range words {
		d := edits(word, w)
		if len(word) > 1 && strings.HasPrefix(w, word) {
			d = min(d, 2)
		}
		if d < distance && d < len(w) {
			best, distance = w, d
		}
	}
	return best, best != ""
}

// edits is the number of insertions, deletions and replacements between two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
