package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program under test. It ends with the test.
type process struct {
	*testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
	ended chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func start(t *testing.T, dir string, env []string, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{T: t, cmd: exec.CommandContext(ctx, name, args...), lines: make(chan string, 64), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, append(os.Environ(), env...), p
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
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Logf("%s said:\n%s", filepath.Base(name), p.log.String())
		}
	})
	return p
}

// Write keeps what the process says on standard error.
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

// provider is the OpenID provider.
type provider struct {
	*process
	Issuer     string   `json:"issuer"`
	Audience   string   `json:"audience"`
	Algorithms []string `json:"algorithms"`
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	if _, err := os.Stat("provider/node_modules/oidc-provider"); err != nil {
		t.Fatal("oidc-provider is not installed: run `make e2e`, or `npm ci` in e2e/provider")
	}
	p := &provider{process: start(t, "provider", nil, "node", "provider.mjs")}
	if err := json.Unmarshal([]byte(p.line()), p); err != nil || len(p.Algorithms) != 4 {
		t.Fatalf("the provider introduced itself as %+v, %v", p, err)
	}
	return p
}

// do gives a command, waits until it is done, and returns how often the key set was fetched.
func (p *provider) do(command string) (fetches int) {
	p.Helper()
	if _, err := fmt.Fprintln(p.stdin, command); err != nil {
		p.Fatal(err)
	}
	var reply struct {
		Done    string `json:"done"`
		Fetches int    `json:"fetches"`
	}
	if line := p.line(); json.Unmarshal([]byte(line), &reply) != nil || reply.Done != command {
		p.Fatalf("the provider answered %q to %q", line, command)
	}
	return reply.Fetches
}

// token gets an access token by client credentials.
func (p *provider) token(resource, scope string) string {
	p.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {resource}}
	if scope != "" {
		form.Set("scope", scope)
	}
	r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("e2e", "not-a-secret-not-a-secret-not-a-secret")
	status, body := send(p.T, r)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK || strings.Count(answer.Token, ".") != 2 {
		p.Fatalf("no token for %s: %d %s", resource, status, body)
	}
	return answer.Token
}

// bookstore is the API as a process.
type bookstore struct {
	*process
	api string
}

// folder is where the binary goes. TestMain sets it.
var folder string

var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "bookstore")
	cmd := exec.Command("go", "build", "-o", path, "./bookstore")
	cmd.Dir = "../examples"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func startBookstore(t *testing.T, p *provider) *bookstore {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	b := &bookstore{process: start(t, ".", []string{"BOOKSTORE_ISSUER=" + p.Issuer, "BOOKSTORE_AUDIENCE=" + p.Audience},
		binary, "-api", "127.0.0.1:0", "-page", "127.0.0.1:0")}
	for word := range strings.FieldsSeq(b.line()) {
		if api, ok := strings.CutPrefix(word, "api="); ok {
			b.api = api
		}
	}
	if b.api == "" {
		t.Fatal("the bookstore did not say where it listens")
	}
	return b
}

// answer is what the bookstore said.
type answer struct {
	status     int
	reason     string
	retryAfter string
}

func (b *bookstore) ask(method, token string) answer {
	b.Helper()
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(`{"title":"A Book"}`)
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.api+"/books", body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var problem struct {
		Reason string `json:"reason"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
		b.Fatal(err)
	}
	return answer{resp.StatusCode, problem.Reason, resp.Header.Get("Retry-After")}
}

func (b *bookstore) want(what, method, token string, status int, reason string) {
	b.Helper()
	if a := b.ask(method, token); a.status != status || a.reason != reason {
		b.Errorf("%s: %d %s, want %d %s", what, a.status, a.reason, status, reason)
	}
}

// health returns the status of the answer and the word in it.
func (b *bookstore) health() (int, string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.api+"/healthz", nil)
	if err != nil {
		b.Fatal(err)
	}
	status, body := send(b.T, r)
	var report struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &report); err != nil {
		b.Fatalf("health is %q: %v", body, err)
	}
	return status, report.Status
}

var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}

func send(t *testing.T, r *http.Request) (int, []byte) {
	t.Helper()
	resp, err := client.Do(r)
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

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "bookstore"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}
