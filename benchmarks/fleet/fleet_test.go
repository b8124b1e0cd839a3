package fleet_test

import (
	"flag"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

var (
	simulated = flag.Int("simulated", 40, "replicas in virtual time")
	groups    = flag.String("real", "8", "numbers of replicas on a real server")
	write     = flag.String("write", "", "file to write the tables to; pictures go to plots beside it")
)

// run is what has been found.
type run struct {
	comparisons []comparison
	frozen      *frozen
	rows        []row
}

func TestFleet(t *testing.T) {
	logging.Disable() // a frozen server is on purpose
	_ = keys()
	rotations, length, large := 1, 2*time.Second, 1
	if *write != "" {
		rotations, length, large = 5, 8*time.Second, 24
	}
	var found run
	t.Run("real", func(t *testing.T) {
		for s := range strings.SplitSeq(*groups, ",") {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 {
				t.Fatalf("-real %s: want numbers", *groups)
			}
			t.Run(s, func(t *testing.T) { found.comparisons = append(found.comparisons, compare(t, n, rotations)) })
		}
		t.Run("frozen", func(t *testing.T) { found.frozen = freeze(t, 32, length) })
	})
	t.Run("simulated", func(t *testing.T) { found.rows = simulateAll(t, *simulated, large) })
	switch {
	case *write == "":
	case found.frozen == nil || len(found.comparisons) == 0 || len(found.rows) == 0:
		t.Fatal("there is not enough to write")
	default:
		found.write(t, *write)
	}
}

// simulateAll runs every scenario, two at a time: in virtual time one processor is often idle.
func simulateAll(t *testing.T, n, hours int) []row {
	t.Helper()
	few, thousand := min(n, 100), min(n, 1000)
	scenarios := []struct {
		name string
		n    int
		run  func(*simulation) row
	}{
		{"an hour", n, calm(1)},
		{"a day", few, calm(hours)},
		{"cold start", n, coldStart},
		{"cold start in a stall", thousand, stalledStart},
		{"cold start of all in a stall", n, stalledStart},
		{"rolling start", n, rollingStart},
		{"rotation", n, rotation(0)},
		{"rotation within a second", n, rotation(time.Second)},
		{"flood", n, flood},
		{"frozen during rotation", n, frozenRotation},
		{"restarted empty", n, restartedEmpty},
		{"failover", n, lostWrite},
		{"two secrets", n, otherSecret(false)},
		{"two secrets, announced", n, otherSecret(true)},
		{"wrong clocks", n, wrongClocks},
		{"issuer limits", n, limited},
		{"frozen for long", thousand, frozenLong},
	}
	rows := make([]row, len(scenarios))
	for i, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			rows[i] = simulate(t, sc.n, sc.run)
		})
	}
	return rows
}
