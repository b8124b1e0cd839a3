//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	sentinelFlag = "--sentinel"
	sentinels    = 3
)

// Sentinel is a master, its replica and three sentinels, which replace a master that has been
// silent for one second.
type Sentinel struct {
	// Name is what the sentinels call the master.
	Name            string
	Master, Replica *Server
	Sentinels       []*Server
}

// StartSentinel runs them and returns once the sentinels know each other and the replica is in
// step. Args are further arguments of master and replica. See [Start].
func StartSentinel(ctx context.Context, args ...string) (*Sentinel, error) {
	s := &Sentinel{Name: "fleet"}
	if err := s.start(ctx, args); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Sentinel) start(ctx context.Context, args []string) (err error) {
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
	if s.Master, err = Start(ctx, args...); err != nil {
		return err
	}
	if s.Replica, err = Start(ctx, append(args, "--replicaof", fmt.Sprintf("127.0.0.1 %d", s.Master.port))...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if err := until(ctx, "the replica does not follow", func() error { return linked(ctx, s.Replica) }); err != nil {
		return err
	}
	for range sentinels {
		one, err := s.watcher(ctx)
		if err != nil {
			return err
		}
		s.Sentinels = append(s.Sentinels, one)
	}
	return until(ctx, "the sentinels do not know each other", func() error { return s.ready(ctx) })
}

func linked(ctx context.Context, replica *Server) error {
	reply, err := replica.Do(ctx, "info", "replication")
	if err != nil {
		return err
	}
	if !strings.Contains(fmt.Sprint(reply), "master_link_status:up") {
		return errors.New("the link is down")
	}
	return nil
}

// watcher starts a sentinel, which takes its settings from a file alone and writes to it.
func (s *Sentinel) watcher(ctx context.Context) (*Server, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "redisserver-")
	if err != nil {
		return nil, fmt.Errorf("redisserver: %w", err)
	}
	settings := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %d 2\n", port, dir, s.Name, s.Master.port) +
		fmt.Sprintf("sentinel down-after-milliseconds %[1]s 1000\nsentinel failover-timeout %[1]s 6000\n", s.Name)
	if err := os.WriteFile(filepath.Join(dir, "sentinel.conf"), []byte(settings), 0o600); err != nil {
		return nil, fmt.Errorf("redisserver: %w", err)
	}
	one := newServer(path, dir, port, []string{sentinelFlag})
	if err := one.run(ctx); err != nil {
		one.Stop()
		return nil, err
	}
	return one, nil
}

// ready tells whether every sentinel knows the replica and the others.
func (s *Sentinel) ready(ctx context.Context) error {
	for _, one := range s.Sentinels {
		reply, err := one.admin.Do(ctx, "sentinel", "master", s.Name).Result()
		if err != nil {
			return fmt.Errorf("redisserver: %w", err)
		}
		state, _ := reply.(map[any]any)
		if fmt.Sprint(state["num-slaves"]) != "1" || fmt.Sprint(state["num-other-sentinels"]) != strconv.Itoa(sentinels-1) {
			return errors.New("a sentinel is not ready")
		}
	}
	return nil
}

// Addrs returns host and port of every sentinel.
func (s *Sentinel) Addrs() []string {
	addrs := make([]string, len(s.Sentinels))
	for i, one := range s.Sentinels {
		addrs[i] = one.Addr()
	}
	return addrs
}

// Stop stops them all.
func (s *Sentinel) Stop() {
	for _, one := range slices.Concat(s.Sentinels, []*Server{s.Replica, s.Master}) {
		if one != nil {
			one.Stop()
		}
	}
}
