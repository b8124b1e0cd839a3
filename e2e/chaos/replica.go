//go:build unix

package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// life is one process of a replica.
type life struct {
	*Process

	number int // in the ledger
	url    string
	cmd    *exec.Cmd
	stdin  io.Closer
	log    *os.File
	clock  string // the file that says how far the clock is off
}

// slot is a place in the fleet, which processes come to and leave.
type slot struct {
	mu      sync.RWMutex
	current *life // nil while there is none
	index   int
}

// ready returns the process, or nil if it must not be sent to.
func (s *slot) ready() *life {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current
}

// put makes a process the current one; nil takes the place away.
func (s *slot) put(l *life) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = l
}

// start starts a process for the slot and puts it in place once it says that it is ready. It
// returns when it listens.
func (st *stage) start(ctx context.Context, s *slot) error {
	number, process := st.ledger.started(s.index)
	name := filepath.Join(st.dir, fmt.Sprintf("replica-%d", number))
	l := &life{Process: process, number: number, clock: name + ".clock", cmd: exec.CommandContext(context.WithoutCancel(ctx), st.program, "-replica")}
	l.cmd.Env = append(os.Environ(), append(st.env, "CHAOS_CLOCK="+l.clock)...)
	log, err := os.Create(name + ".log")
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	l.log, l.cmd.Stderr = log, log
	if l.stdin, err = l.cmd.StdinPipe(); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	if err := l.cmd.Start(); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		st.stop(l, syscall.SIGKILL)
		return fmt.Errorf("chaos: a replica did not start: %w", errors.Join(err, ctx.Err()))
	}
	l.url = url
	st.lives.Go(func() { st.await(ctx, s, l) })
	return nil
}

// await puts a process in place once it is ready, as a load balancer does.
func (st *stage) await(ctx context.Context, s *slot, l *life) {
	st.mu.Lock()
	st.all = append(st.all, l)
	st.mu.Unlock()
	for pause(ctx, 50*time.Millisecond) {
		if st.ended(l) {
			return
		}
		if status, _ := st.get(ctx, l.url+"/healthz", ""); status == http.StatusOK {
			st.ledger.set(&l.Ready)
			s.put(l)
			return
		}
	}
}

func (st *stage) ended(l *life) bool {
	st.ledger.mu.Lock()
	defer st.ledger.mu.Unlock()
	return l.Ended != Never
}

// stop ends a process: with 0 by asking it, else by a signal.
func (st *stage) stop(l *life, s syscall.Signal) {
	if st.ended(l) {
		return
	}
	st.ledger.set(&l.Ended)
	if s != 0 {
		_ = l.cmd.Process.Signal(s)
	}
	_ = l.stdin.Close()
	insist := time.AfterFunc(5*time.Second, func() { _ = l.cmd.Process.Kill() })
	defer insist.Stop()
	_ = l.cmd.Wait()
	_ = l.log.Close()
}

// replace ends the process of a slot and starts another one after a while.
func (st *stage) replace(ctx context.Context, s *slot, how syscall.Signal, after time.Duration) error {
	st.mu.Lock()
	var old []*life
	for _, l := range st.all {
		if l.Slot == s.index {
			old = append(old, l)
		}
	}
	st.mu.Unlock()
	s.put(nil)
	for _, l := range old {
		st.stop(l, how)
	}
	if !pause(ctx, after) {
		return nil
	}
	return st.start(ctx, s)
}

// setClock puts the clock of a process off by d and makes sure that it is: the process dates
// its answers.
func (st *stage) setClock(ctx context.Context, l *life, d time.Duration) error {
	if err := os.WriteFile(l.clock, []byte(strconv.Itoa(int(d.Seconds()))), 0o600); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	if err := l.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return nil //nolint:nilerr // it has ended meanwhile
	}
	for range 200 {
		if !pause(ctx, 25*time.Millisecond) || st.ended(l) {
			return nil
		}
		_, date := st.get(ctx, l.url+"/healthz", "")
		if off := time.Until(date) - d; !date.IsZero() && off.Abs() < 5*time.Second {
			return nil
		}
	}
	return errors.New("chaos: the clock of a replica could not be set")
}

// pause returns false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
