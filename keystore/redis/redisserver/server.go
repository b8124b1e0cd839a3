//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// startTimeout bounds how long a server may take to answer.
const startTimeout = 20 * time.Second

// Server is one running server. Its methods are safe for concurrent use.
type Server struct {
	path, dir string
	port      int
	args      []string
	admin     *redis.Client

	mu   sync.Mutex
	proc *process
}

// Start runs a server and returns once it answers. Args are further arguments of the program,
// such as "--maxmemory", "100mb". ctx bounds the start alone; Stop ends the server. The errors
// are a program that is not installed and one that does not start, with its output.
func Start(ctx context.Context, args ...string) (*Server, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ { // somebody else may take the port in between
		s, err := start(ctx, path, args)
		if err == nil || try == 4 || ctx.Err() != nil {
			return s, err
		}
	}
}

func start(ctx context.Context, path string, args []string) (*Server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "redisserver-")
	if err != nil {
		return nil, fmt.Errorf("redisserver: %w", err)
	}
	s := newServer(path, dir, port, args)
	if err := s.run(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func newServer(path, dir string, port int, args []string) *Server {
	s := &Server{path: path, dir: dir, port: port, args: args}
	o := s.Options()
	o.ReadTimeout, o.WriteTimeout = 5*time.Second, 5*time.Second
	s.admin = redis.NewClient(o)
	return s
}

// run starts the program and waits until it answers.
func (s *Server) run(ctx context.Context) error {
	args := append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no",
		"--save", "", "--appendonly", "no",
	}, s.args...)
	if len(s.args) > 0 && s.args[0] == sentinelFlag {
		args = []string{s.dir + "/sentinel.conf", sentinelFlag}
	}
	p, err := startProcess(ctx, s.path, s.dir, args...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.proc = p
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return until(ctx, "the server does not answer", func() error {
		if !p.alive() {
			return final{fmt.Errorf("redisserver: the server ended: %s", p.output())}
		}
		err := s.admin.Ping(ctx).Err()
		if err == nil || redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "NOPERM") {
			return nil
		}
		return err
	})
}

// final is an error that asking again does not change.
type final struct{ error }

// until asks every 10 ms until ask returns nil.
func until(ctx context.Context, what string, ask func() error) error {
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if f, ok := errors.AsType[final](err); ok {
			return f.error
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redisserver: %s: %w (%w)", what, err, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Addr returns host and port.
func (s *Server) Addr() string { return loopback(s.port) }

// Options returns the settings that package rediskeystore recommends, for this server.
func (s *Server) Options() *redis.Options {
	return &redis.Options{
		Addr:        s.Addr(),
		DialTimeout: 100 * time.Millisecond, ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond,
		PoolTimeout: 100 * time.Millisecond, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
		PoolSize: 4, MaxActiveConns: 8, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Do sends a command on a connection of its own, as the default user, and returns the reply.
func (s *Server) Do(ctx context.Context, args ...any) (any, error) {
	reply, err := s.admin.Do(ctx, args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("redisserver: %v: %w", args[0], err)
	}
	return reply, nil
}

// PID returns the process id, also of a server that has ended.
func (s *Server) PID() int { return s.current().cmd.Process.Pid }

func (s *Server) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// Freeze stops the process from running (SIGSTOP). The system goes on accepting connections
// and bytes for it, which nobody answers.
func (s *Server) Freeze() error { return s.current().signal(syscall.SIGSTOP) }

// Thaw lets a frozen process run again (SIGCONT).
func (s *Server) Thaw() error { return s.current().signal(syscall.SIGCONT) }

// Kill ends the process at once (SIGKILL), also a frozen one. Restart brings it back.
func (s *Server) Kill() error {
	p := s.current()
	if !p.alive() {
		return errors.New("redisserver: the server has ended")
	}
	p.kill()
	return nil
}

// Restart runs the server again on the same port, without its data. One that still runs is
// killed.
func (s *Server) Restart(ctx context.Context) error {
	s.current().kill()
	return s.run(ctx)
}

// Stop ends the server for good and removes its directory. It may be called again.
func (s *Server) Stop() {
	if p := s.current(); p != nil {
		p.kill()
	}
	_ = s.admin.Close()
	_ = os.RemoveAll(s.dir)
}
