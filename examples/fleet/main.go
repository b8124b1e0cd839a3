//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// walkTime bounds the walk, which needs about half of it.
const walkTime = 55 * time.Second

// replicaFlag makes a process a replica. It comes first.
const replicaFlag = "-replica"

// quiet drops what the Redis client logs by itself: here servers are killed on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func main() {
	redis.SetLogger(quiet{})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var code int
	if len(os.Args) == 2 && os.Args[1] == replicaFlag {
		code = replicaMain(ctx, os.Stdin, os.Stdout, os.Stderr)
	} else {
		code = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	os.Exit(code)
}

// run is the whole program but for what replicas do, and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.SetOutput(errs)
	n := flags.Int("n", 8, "number of replicas, 2 to 32")
	stay := flags.Bool("stay", false, "keep everything running afterwards")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *n < 2 || *n > 32 || flags.NArg() > 0:
		_, _ = fmt.Fprintln(errs, "fleet: -n is a number from 2 to 32, and there are no arguments")
		return 2
	}
	err := show(ctx, *n, *stay, out)
	switch {
	case errors.Is(err, exec.ErrNotFound): // says how to get it
		_, _ = fmt.Fprintln(errs, "fleet:", err)
		return 2
	case err != nil:
		_, _ = fmt.Fprintln(errs, "fleet:", err)
		return 1
	}
	return 0
}

// show walks, and stays if asked to.
func show(ctx context.Context, n int, stay bool, out io.Writer) error {
	s, err := newStage(ctx, n)
	if err != nil {
		return err
	}
	defer s.close()
	limited, cancel := context.WithTimeout(ctx, walkTime)
	err = walk(limited, s, &table{out: out, colours: isTerminal(out)})
	cancel()
	if !stay || ctx.Err() != nil {
		return err
	}
	if errs := s.invite(out); errs != nil {
		return errors.Join(err, errs)
	}
	<-ctx.Done()
	return err
}
