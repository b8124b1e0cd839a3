package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

func main() {
	redis.SetLogger(quiet{})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program wherever it is
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}

// run is the whole program, and returns the exit code. env returns the value of an environment
// variable, "" if it is not set.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	c := &call{stdin: stdin, stdout: stdout, stderr: stderr, env: env, now: time.Now}
	return c.exit(c.dispatch(ctx, program(), args))
}

// program is the table of commands: a new one is a file and a line.
func program() command {
	return command{
		name:    "keychorus",
		summary: "explain access tokens, and look after the keys that verify them",
		sub: []command{
			explainCommand(),
			doctorCommand(),
			keysCommand(),
			issuerCommand(),
			secretCommand(),
			fleetCommand(),
			completionCommand(),
		},
	}
}
