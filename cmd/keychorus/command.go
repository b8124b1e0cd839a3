package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"time"
)

// command is one level: a table of further commands, or one that runs.
type command struct {
	name, summary string
	// arguments is what the command takes besides flags, for its help; at most one word each.
	arguments []string
	details   string // paragraphs of help
	sub       []command
	// setup adds the flags, and returns what runs once they are read.
	setup func(*flag.FlagSet) action
}

// action does the work, with as many args as the command says.
type action func(ctx context.Context, c *call, args []string) error

// call is one run of the program and what it may touch.
type call struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	now            func() time.Time
}

// dispatch finds the command that args name, and runs it.
func (c *call) dispatch(ctx context.Context, cmd command, args []string) error {
	if err := refuseTokens(args); err != nil {
		return err
	}
	if len(args) > 0 && cmd.name == "keychorus" && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help") // help fleet show
	}
	path := cmd.name
	for cmd.sub != nil {
		if len(args) == 0 {
			cmd.help(c.stderr, path, nil)
			return misuse("", "a command is missing")
		}
		name := args[0]
		switch {
		case isHelp(name):
			cmd.help(c.stdout, path, nil)
			return nil
		case strings.HasPrefix(name, "-"):
			return misuse(seeHelp(path), "%s takes no flags of its own", words(path))
		}
		i := slices.IndexFunc(cmd.sub, func(s command) bool { return s.name == name })
		if i < 0 {
			return misuse(cmd.suggest(path, name), "%s has no command %s", words(path), printable(name))
		}
		cmd, args, path = cmd.sub[i], args[1:], path+" "+name
	}
	return c.execute(ctx, cmd, path, args)
}

// execute reads the flags of a command, and runs it.
func (c *call) execute(ctx context.Context, cmd command, path string, args []string) error {
	flags := flag.NewFlagSet(path, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are reported once, by exit
	flags.Usage = func() {}
	act := cmd.setup(flags)
	given, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		cmd.help(c.stdout, path, flags)
		return nil
	case err != nil:
		return misuse(suggestFlag(flags, path, err), "%s: %s", words(path), err)
	case len(given) != len(cmd.arguments):
		// What was given is not repeated: it may be a secret in the wrong place.
		return misuse(seeHelp(path), "%s takes %s, not %d", words(path), count(cmd.arguments), len(given))
	}
	return act(ctx, c, given)
}

// words is a path without the name of the program, which begins every message.
func words(path string) string {
	if _, rest, ok := strings.Cut(path, " "); ok {
		return rest
	}
	return "the program"
}

func count(arguments []string) string {
	if len(arguments) == 0 {
		return "no arguments besides flags"
	}
	return "exactly " + strings.Join(arguments, " and ")
}

// parse reads flags before, between and after the arguments, which it returns. Everything after
// -- is an argument.
func parse(flags *flag.FlagSet, args []string) (given []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if read := len(args) - len(rest); len(rest) == 0 || read > 0 && args[read-1] == "--" {
			return append(given, rest...), nil
		}
		given, args = append(given, rest[0]), rest[1:]
	}
}

func isHelp(arg string) bool {
	return arg == "-h" || arg == "-help" || arg == "--help" || arg == "help"
}
