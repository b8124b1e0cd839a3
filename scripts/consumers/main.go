package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

var errUsage = errors.New("usage: consumers [-root DIR] list | build | prepare VERSION | tidy VERSION")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "consumers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("consumers", flag.ContinueOnError)
	root := flags.String("root", ".", "the top of the tree")
	if err := flags.Parse(args); err != nil {
		return err
	}
	t, err := readTree(ctx, *root)
	if err != nil {
		return err
	}
	switch verb, version := flags.Arg(0), flags.Arg(1); {
	case verb == "list" && flags.NArg() == 1:
		for _, m := range t.modules {
			_, _ = fmt.Fprintln(out, m.dir)
		}
		return nil
	case verb == "build" && flags.NArg() == 1:
		return t.build(ctx, out)
	case verb == "prepare" && flags.NArg() == 2:
		return t.prepare(ctx, version)
	case verb == "tidy" && flags.NArg() == 2:
		return t.tidy(ctx, version)
	default:
		return errUsage
	}
}
