//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// program returns the server's path.
func program() (string, error) {
	name := os.Getenv("KEYCHORUS_REDIS_SERVER")
	if name == "" {
		name = "redis-server"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("redisserver: %s is not installed (on Debian and Ubuntu: apt-get install redis-server): %w", name, err)
	}
	return path, nil
}

// process is one run of a program.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{} // closed once it has been waited for
	keeper io.Closer     // while it is open, the process may live
}

// startProcess runs the program, with its output in a file of dir. The process outlives ctx.
func startProcess(ctx context.Context, path, dir string, args ...string) (*process, error) {
	ctx = context.WithoutCancel(ctx)
	p := &process{log: filepath.Join(dir, "output"), exited: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("redisserver: %w", err)
	}
	defer func() { _ = out.Close() }()
	p.cmd = exec.CommandContext(ctx, path, args...) //nolint:gosec // the caller's own program
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("redisserver: %w", err)
	}
	if err := p.keep(ctx); err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return nil, err
	}
	return p, nil
}

// keep starts a shell that waits for the end of this process and then kills the server, which
// would otherwise outlive a test that was killed or timed out.
func (p *process) keep(ctx context.Context) error {
	shell := exec.CommandContext(ctx, "/bin/sh", "-c", `read -r line; kill -KILL "$0"; rm -rf "$1"`, //nolint:gosec // a number and a directory of ours
		strconv.Itoa(p.cmd.Process.Pid), p.cmd.Dir)
	stdin, err := shell.StdinPipe()
	if err != nil {
		return fmt.Errorf("redisserver: %w", err)
	}
	if err := shell.Start(); err != nil {
		return fmt.Errorf("redisserver: starting a shell: %w", err)
	}
	p.keeper = stdin
	go func() {
		_ = p.cmd.Wait()
		_ = shell.Process.Kill() // before it could kill a stranger with the same id
		_ = shell.Wait()
		close(p.exited)
	}()
	return nil
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) error {
	if !p.alive() {
		return errors.New("redisserver: the server has ended")
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("redisserver: %w", err)
	}
	return nil
}

// kill ends the process, also a frozen one, and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	_ = p.keeper.Close()
}

// output returns the end of what the process wrote.
func (p *process) output() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-1000):])
}

// freePort returns a port that is free on loopback, and so is the one 10,000 above it, where a
// cluster node has its bus. Both lie below the ports that systems hand out by themselves, so
// that a server can be restarted on its own.
func freePort(ctx context.Context) (int, error) {
	for range 100 {
		port := 10_000 + rand.IntN(12_000)
		if free(ctx, port) && free(ctx, port+10_000) {
			return port, nil
		}
	}
	return 0, errors.New("redisserver: no free port was found")
}

func free(ctx context.Context, port int) bool {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
