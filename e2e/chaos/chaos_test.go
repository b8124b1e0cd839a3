//go:build unix

package chaos_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/e2e/chaos"
)

var (
	minutes = flag.Float64("minutes", 0, "how long chaos lasts; 0 for a short form of seconds")
	seed    = flag.Uint64("seed", 0, "what draws the script; 0 for a new one")
	page    = flag.String("write", "", "page to write the result to; its picture goes to images beside it")
	keep    = flag.String("keep", "", "folder for the logs of replicas and the ledger, which are dropped by default")
)

// quiet drops what the Redis client logs by itself: here servers are killed on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	os.Exit(m.Run())
}

func TestChaosKeepsWhatIsPromised(t *testing.T) {
	p := chaos.Plan{Seed: *seed, Replicas: 5, Rate: 300, Interval: 30 * time.Second, Dir: t.TempDir(), Log: t.Logf}
	if *keep != "" {
		if err := os.MkdirAll(*keep, 0o750); err != nil {
			t.Fatal(err)
		}
		p.Dir = *keep
	}
	if p.Seed == 0 {
		p.Seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if *minutes == 0 {
		p.Length, p.Steps, p.Replicas, p.Rate = 12*time.Second, chaos.Short(), 3, 150
	} else {
		p.Length, p.Clocks = time.Duration(*minutes*float64(time.Minute)), true
		p.Steps = chaos.Script(p.Seed, p.Length)
	}
	t.Logf("seed %d\n%s", p.Seed, chaos.Print(p.Steps))
	ledger, err := chaos.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	v := chaos.Judge(ledger)
	if *keep != "" {
		var all bytes.Buffer
		if err := errors.Join(gob.NewEncoder(&all).Encode(ledger), os.WriteFile(filepath.Join(*keep, "ledger"), all.Bytes(), 0o600)); err != nil {
			t.Error(err)
		}
	}
	t.Log("\n" + chaos.Report(ledger, v))
	for i, o := range v.Violations {
		if i == 40 {
			t.Errorf("and %d more", len(v.Violations)-i)
			break
		}
		t.Error(o)
	}
	for _, e := range ledger.Events {
		if e.Name == "failover" && e.Note != "lost" {
			t.Errorf("the failover at %v had nothing to lose", e.Begin)
		}
	}
	if *page == "" {
		return
	}
	if err := chaos.Write(*page, filepath.Join(filepath.Dir(*page), "images", "chaos.svg"), ledger, v); err != nil {
		t.Fatal(err)
	}
}
