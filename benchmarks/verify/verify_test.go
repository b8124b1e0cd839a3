package verify_test

import (
	"flag"
	"testing"
	"time"
)

var (
	rounds  = flag.Int("rounds", 0, "rounds of each measurement, in turns of 3 ms. Default: 2 short ones, with -write 100")
	tenants = flag.Int("tenants", 0, "issuers of the many. Default: 100, with -write 10000")
	write   = flag.String("write", "", "file whose section to write; pictures go to plots beside it")
)

// effort is how much time is spent on measuring.
type effort struct {
	rounds  int
	turn    time.Duration // how long one of a round takes
	tokens  int           // that take turns
	tenants int
}

// few tokens are enough to see that everything works.
const few = 2

// outcome is everything that was found.
type outcome struct {
	cells      []cell
	rejects    []reject
	hostile    taken
	middleware taken
	wrapped    map[string]cost
	cores      []core
	many       many
}

func TestVerify(t *testing.T) {
	e := effort{2, 100 * time.Microsecond, few, 100}
	if *write != "" {
		e = effort{100, 3 * time.Millisecond, 16, 10_000}
	}
	if *rounds > 0 { // somebody looks at the times: in short turns everybody finds cold caches
		e.rounds, e.turn, e.tokens = *rounds, 3*time.Millisecond, 16
	}
	if *tenants > 0 {
		e.tenants = *tenants
	}
	o := &outcome{}
	t.Run("accept", func(t *testing.T) { o.accept(t, e) })
	t.Run("reject", func(t *testing.T) { o.reject(t, e) })
	t.Run("hostile", func(t *testing.T) { o.takeHostile(t, e) })
	t.Run("middleware", func(t *testing.T) { o.takeMiddleware(t, e) })
	t.Run("cores", func(t *testing.T) { o.takeCores(t, e) })
	t.Run("tenants", func(t *testing.T) { o.takeTenants(t, e) })
	if t.Failed() || len(o.cells) == 0 || o.rejects == nil || o.hostile == nil || o.middleware == nil { // -run names a part
		return
	}
	o.report(t, e, *write)
}
