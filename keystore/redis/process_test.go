package rediskeystore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// A replica is this program as another process of the fleet: it loads the record and takes
// the lease, says so, waits for a line, and then saves and ends the lease.
const replicaAddr = "KEYCHORUS_TEST_REPLICA"

func runRole() bool {
	addr := os.Getenv(replicaAddr)
	if addr == "" {
		return false
	}
	if err := replica(addr); err != nil {
		fmt.Println(err)
	}
	return true
}

func replica(addr string) error {
	ctx := context.Background()
	secrets, err := sealed.NewSecrets([]byte(fleetSecret))
	if err != nil {
		return err
	}
	store, err := New(redis.NewClient(&redis.Options{Addr: addr}), secrets, sealed.WithTimeout(10*time.Second))
	if err != nil {
		return err
	}
	_, version, err := store.Load(ctx, testID)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return err
	}
	lease, _, err := store.TryLease(ctx, testID)
	if err != nil {
		return err
	}
	fmt.Println("has the lease:", lease != nil)
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	_, err = store.Save(ctx, testID, record(testID, 100), version)
	fmt.Println("conflict:", errors.Is(err, keystore.ErrConflict))
	fmt.Println("end:", lease.End(ctx, keystore.Failed, time.Hour))
	return nil
}

// otherProcess is a running replica.
type otherProcess struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	in    io.Writer
}

func startReplica(t *testing.T, addr string) *otherProcess {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	p := &otherProcess{cmd: exec.CommandContext(t.Context(), self)}
	p.cmd.Env = append(os.Environ(), replicaAddr+"="+addr)
	p.in, err = p.cmd.StdinPipe()
	must(t, err)
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	p.lines = bufio.NewScanner(out)
	must(t, p.cmd.Start())
	t.Cleanup(p.kill)
	return p
}

func (p *otherProcess) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *otherProcess) wantLine(t *testing.T, want string) {
	t.Helper()
	if p.lines.Scan(); p.lines.Text() != want {
		t.Fatalf("the other process says %q, want %q", p.lines.Text(), want)
	}
}

func TestTheLeaseOfAKilledProcessEnds(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	store := newStore(t, connect(t, patient(s)))
	p := startReplica(t, s.Addr())
	p.wantLine(t, "has the lease: true")
	p.kill()
	lease, hold, err := store.TryLease(t.Context(), testID)
	if lease != nil || err != nil || !hold.Fetching || hold.Left <= 0 || hold.Left > 6*time.Second {
		t.Fatalf("right after: %v, %+v, %v", lease, hold, err)
	}
	var claims []int
	eventually(t, "the lease is granted", func() bool {
		claims = claims[:0]
		for i := range 4 { // one of them only
			if lease, _, err := store.TryLease(t.Context(), testID); err == nil && lease != nil {
				claims = append(claims, i)
			}
		}
		return len(claims) > 0
	})
	if len(claims) != 1 {
		t.Errorf("claims %v were granted, want one", claims)
	}
}

// A process that was stopped between its fetch and its save finds that others went on.
func TestAProcessThatWakesLateDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := connect(t, patient(s))
	store := newStore(t, client)
	v := mustSave(t, store, 1, "")
	p := startReplica(t, s.Addr())
	p.wantLine(t, "has the lease: true")
	must(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	client.Del(t.Context(), nameOf(t, store, testID, "lease")) // as if it had run out
	lease, _, err := store.TryLease(t.Context(), testID)
	if lease == nil || err != nil {
		t.Fatalf("the next claim: %v, %v", lease, err)
	}
	next := mustSave(t, store, 2, v)
	must(t, lease.End(t.Context(), keystore.Useful, time.Minute))
	must(t, p.cmd.Process.Signal(syscall.SIGCONT))
	_, err = io.WriteString(p.in, "go on\n")
	must(t, err)
	p.wantLine(t, "conflict: true")
	p.wantLine(t, "end: <nil>")
	if got := wantRecord(t, store, 2); got != next {
		t.Error("the late process replaced the record")
	}
	_, hold, err := store.TryLease(t.Context(), testID)
	if err != nil || hold.Outcome != keystore.Useful || hold.Left > time.Minute {
		t.Errorf("the late process changed the cool-down: %+v, %v", hold, err)
	}
}
