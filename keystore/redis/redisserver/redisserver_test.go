package redisserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

// TestMain also runs this program as one that starts a server and ends without stopping it.
func TestMain(m *testing.M) {
	if os.Getenv("REDISSERVER_TEST_ORPHAN") == "" {
		os.Exit(m.Run())
	}
	s, err := redisserver.Start(context.Background())
	if err == nil {
		err = s.Freeze()
		fmt.Println(s.PID())
	}
	if err != nil {
		fmt.Println(err)
	}
}

func TestAServerDoesNotOutliveWhoStartedIt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "REDISSERVER_TEST_ORPHAN=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, os.ErrNotExist) || strings.Contains(string(state), ") Z ") {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("process %d is still there: %s, %v", pid, state, err)
		}
	}
}

func start(t *testing.T, args ...string) *redisserver.Server {
	t.Helper()
	s, err := redisserver.Start(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func clientOf(t *testing.T, s *redisserver.Server) *redis.Client {
	t.Helper()
	c := redis.NewClient(s.Options())
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAFrozenServerAnswersAgainOnceThawed(t *testing.T) {
	s := start(t)
	c := clientOf(t, s)
	if err := c.Set(t.Context(), "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "a").Err(); err == nil {
		t.Error("a frozen server answered")
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Do(t.Context(), "get", "a"); err != nil || got != "1" {
		t.Errorf("after the thaw: %v, %v", got, err)
	}
}

func TestAKilledServerIsGoneUntilItIsRestarted(t *testing.T) {
	s := start(t)
	c := clientOf(t, s)
	first := s.PID()
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("a killed server answered")
	}
	if s.Kill() == nil || s.Freeze() == nil {
		t.Error("a dead server was killed or frozen")
	}
	addr := s.Addr()
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Addr() != addr || s.PID() == first {
		t.Errorf("restarted as %s, process %d; was %s, %d", s.Addr(), s.PID(), addr, first)
	}
	if _, err := s.Do(t.Context(), "ping"); err != nil {
		t.Error(err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := redisserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.Do(t.Context(), "config", "get", "dir")
	if err != nil {
		t.Fatal(err)
	}
	dir := reply.(map[any]any)["dir"].(string)
	pid := s.PID()
	s.Stop()
	s.Stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}
}

func TestAProgramThatIsNotInstalledIsAClearError(t *testing.T) {
	t.Setenv("KEYCHORUS_REDIS_SERVER", "no-such-server")
	s, err := redisserver.Start(t.Context())
	if err == nil || s != nil || !strings.Contains(err.Error(), "no-such-server is not installed") {
		t.Errorf("%v, %v", s, err)
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	s, err := redisserver.Start(t.Context(), "--maxmemory-policy", "nonsense")
	if err == nil || s != nil || !strings.Contains(err.Error(), "maxmemory-policy") {
		t.Errorf("%v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := redisserver.Start(ctx); err == nil || s != nil {
		t.Errorf("with an ended context: %v, %v", s, err)
	}
}

func TestASlotMovesWithItsKeys(t *testing.T) {
	cluster, err := redisserver.StartCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()})
	t.Cleanup(func() { _ = c.Close() })
	for i := range 60 {
		if err := c.Set(t.Context(), fmt.Sprint("key", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	node, slot, err := cluster.Owner(t.Context(), "key7")
	if err != nil {
		t.Fatal(err)
	}
	var phases []bool
	look := func(moved bool) {
		phases = append(phases, moved)
		if got, err := c.Get(t.Context(), "key7").Result(); err != nil || got != "7" {
			t.Errorf("moved %v: %q, %v", moved, got, err)
		}
	}
	to := (node + 1) % len(cluster.Nodes)
	if err := cluster.MoveSlot(t.Context(), slot, node, to, look); err != nil {
		t.Fatal(err)
	}
	if len(phases) != 2 || phases[0] || !phases[1] {
		t.Errorf("phases %v", phases)
	}
	got, err := cluster.Nodes[to].Do(t.Context(), "get", "key7")
	if err != nil || got != "7" {
		t.Errorf("the new owner has %v, %v", got, err)
	}
}

func TestSentinelsReplaceADeadMaster(t *testing.T) {
	s, err := redisserver.StartSentinel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: s.Name, SentinelAddrs: s.Addrs()})
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Set(t.Context(), "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Master.Do(t.Context(), "wait", 1, 1000); err != nil {
		t.Fatal(err)
	}
	if err := s.Master.Kill(); err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil { // until go test gives up
		if err := c.Set(t.Context(), "a", "2", 0).Err(); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got, err := s.Replica.Do(t.Context(), "get", "a"); err != nil || got != "2" {
		t.Errorf("the replica has %v, %v", got, err)
	}
}
