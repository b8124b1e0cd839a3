package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program under test. It ends with the test.
type process struct {
	*testing.T
	instance string // under which it exports telemetry
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	lines    chan string
	ended    chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func start(t *testing.T, dir string, env []string, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{
		T: t, instance: rand.Text(), cmd: exec.CommandContext(ctx, name, args...),
		lines: make(chan string, 64), ended: make(chan struct{}),
	}
	p.cmd.Dir, p.cmd.Stderr = dir, p
	p.cmd.Env = append(append(os.Environ(), "OTEL_RESOURCE_ATTRIBUTES=service.instance.id="+p.instance), env...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 3 * time.Second
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			_, _ = io.WriteString(p, s.Text()+"\n") // searched for tokens, too
			select {
			case p.lines <- s.Text():
			default: // nobody reads more than the first few
			}
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
		p.mu.Lock()
		defer p.mu.Unlock()
		if filepath.Dir(name) == folder {
			heard.log(p.log.Bytes())
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(name), p.log.String())
		}
	})
	return p
}

// Write keeps what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// line returns the next line of standard output.
func (p *process) line() string {
	p.Helper()
	select {
	case l := <-p.lines:
		return l
	case <-p.ended:
		p.Fatal("the process ended")
	case <-time.After(30 * time.Second):
		p.Fatal("the process is silent")
	}
	return ""
}

// stop asks the process to end, as a supervisor does.
func (p *process) stop() {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.Fatal("the process does not stop")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.Errorf("the process ended with %d", code)
	}
}

// kill ends the process now.
func (p *process) kill() {
	p.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.Fatal(err)
	}
	<-p.ended
}

// folder is where binaries go. TestMain sets it.
var folder string

// built returns a function that builds a program once.
func built(name, dir, pkg string) func() (path string, err error) {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(folder, name)
		cmd := exec.Command("go", "build", "-o", path, pkg)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return path, nil
	})
}

var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}

func send(t *testing.T, c *http.Client, r *http.Request) (int, []byte) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	var err error
	if folder, err = os.MkdirTemp("", "e2e"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err = heard.open(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code = m.Run()
	if err = heard.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
