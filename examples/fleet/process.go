//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a running replica.
type process struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer
}

// startProcess runs this very program as a replica, and returns once that listens.
func startProcess(ctx context.Context, env []string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(ctx), self, replicaFlag)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })() // so that reading ends
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), listening)
	if err != nil || !ok {
		p.stop()
		return nil, fmt.Errorf("a replica did not start: %w", errors.Join(err, ctx.Err()))
	}
	p.url = url
	return p, nil
}

// stop asks the replica to end, and insists after a while.
func (p *process) stop() {
	_ = p.stdin.Close()
	insist := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer insist.Stop()
	_ = p.cmd.Wait()
}

// kill ends the replica as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	p.stop()
}

// replica is a place in the fleet. Requests hold it shared, its replacement alone.
type replica struct {
	sync.RWMutex

	*process // nil before the first and after a failed start
}

// start puts a new process in place, instead of one that it kills.
func (r *replica) start(ctx context.Context, env []string) (err error) {
	r.Lock()
	defer r.Unlock()
	if r.process != nil {
		r.kill()
	}
	r.process, err = startProcess(ctx, env)
	return err
}

func stopAll(replicas []*replica) {
	var wg sync.WaitGroup
	for _, r := range replicas {
		if r.process != nil {
			wg.Go(r.stop)
		}
	}
	wg.Wait()
}
