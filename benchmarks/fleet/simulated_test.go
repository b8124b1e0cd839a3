package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// simulation is a fleet in virtual time, inside one synctest bubble. Verification takes none,
// so any time that passes during a call was spent waiting.
type simulation struct {
	*testing.T
	n      int
	server *server
	origin *origin
	// secretsOf and storeOf vary a replica before it starts.
	secretsOf func(i int) *sealed.Secrets
	storeOf   func(i int, s *sealed.Store) keystore.KeyStore

	client   *http.Client
	ctx      context.Context
	wg       sync.WaitGroup
	replicas []*verifier.Verifier
	stores   []*sealed.Store
	began    time.Time
}

// simulate runs a scenario with n replicas, and ends them.
func simulate(t *testing.T, n int, scenario func(s *simulation) row) row {
	t.Helper()
	_ = keys()
	var r row
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{T: t, n: n, server: newServer(), origin: newOrigin(t, "https://issuer.example.test")}
		secrets := newSecrets(t, "first")
		s.secretsOf = func(int) *sealed.Secrets { return secrets }
		s.storeOf = func(_ int, st *sealed.Store) keystore.KeyStore { return st }
		s.client = &http.Client{Transport: s.origin}
		ctx, cancel := context.WithCancel(context.Background())
		s.ctx = ctx
		s.began = time.Now()
		r = scenario(s)
		cancel()
		s.wg.Wait()
		for _, v := range s.replicas {
			s.wg.Go(func() {
				if err := v.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		s.wg.Wait()
	})
	return r
}

func newSecrets(tb testing.TB, names ...string) *sealed.Secrets {
	tb.Helper()
	all := make([][]byte, len(names))
	for i, n := range names {
		all[i] = fmt.Appendf(nil, "the %s secret of this fleet, for benchmarks only", n)
	}
	s, err := sealed.NewSecrets(all[0], all[1:]...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// add starts one more replica.
func (s *simulation) add() *verifier.Verifier {
	i := len(s.replicas)
	store, err := sealed.New(s.server, s.secretsOf(i))
	if err != nil {
		s.Fatal(err)
	}
	v, err := verifier.New(
		s.origin.policy(s.origin.JWKSURL()),
		verifier.WithKeyStore(s.storeOf(i, store)), verifier.WithHTTPClient(s.client),
	)
	if err != nil {
		s.Fatal(err)
	}
	s.replicas, s.stores = append(s.replicas, v), append(s.stores, store)
	s.wg.Go(func() { _ = v.Run(s.ctx) })
	return v
}

// start starts all replicas, evenly within the given time, each with a request as it starts.
func (s *simulation) start(within time.Duration) served {
	token := s.origin.token()
	var c counter
	var wg sync.WaitGroup
	for range s.n {
		v := s.add()
		wg.Go(func() { c.verify(s.ctx, v, token) })
		if within > 0 {
			time.Sleep(within / time.Duration(s.n))
		}
	}
	wg.Wait()
	return c.result()
}

// warm starts all replicas and forgets what that took.
func (s *simulation) warm() {
	if got := s.start(time.Minute); got.lost > 0 {
		s.Errorf("%d of %d replicas did not start", got.lost, s.n)
	}
	time.Sleep(20 * time.Second)
	s.forget()
}

// forget begins to count anew.
func (s *simulation) forget() {
	s.server.used()
	s.began = time.Now()
}

// all verifies a token once on every replica, at random times within the given one.
func (s *simulation) all(token string, within time.Duration) served {
	var c counter
	var wg sync.WaitGroup
	for _, v := range s.replicas {
		wg.Go(func() {
			time.Sleep(rand.N(within + 1))
			c.verify(s.ctx, v, token)
		})
	}
	wg.Wait()
	return c.result()
}

// traffic verifies a good token on every replica once in every period, until it is stopped.
func (s *simulation) traffic(token string, every time.Duration) (stop func() served) {
	ctx, cancel := context.WithCancel(s.ctx)
	var c counter
	var wg sync.WaitGroup
	replicas := slices.Clone(s.replicas) // there may be more later
	wg.Go(func() {
		for i := 0; sleep(ctx, every/time.Duration(len(replicas))) == nil; i++ {
			c.verify(s.ctx, replicas[i%len(replicas)], token)
		}
	})
	return func() served {
		cancel()
		wg.Wait()
		return c.result()
	}
}

// counter counts what becomes of requests.
type counter struct {
	mu    sync.Mutex
	lost  atomic.Int64
	waits []time.Duration
}

func (c *counter) verify(ctx context.Context, v *verifier.Verifier, token string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	began := time.Now()
	_, err := v.Verify(ctx, token)
	took := time.Since(began)
	if err != nil {
		c.lost.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, took)
}

// served is what became of requests.
type served struct {
	requests, lost, blocked int
	p50, p99, max           time.Duration
}

func (c *counter) result() served {
	slices.Sort(c.waits)
	n := len(c.waits)
	r := served{requests: n, lost: int(c.lost.Load())}
	if n == 0 {
		return r
	}
	r.p50, r.p99, r.max = c.waits[n/2], c.waits[n*99/100], c.waits[n-1]
	free, _ := slices.BinarySearch(c.waits, 1)
	r.blocked = n - free
	return r
}

// row is a line of the table.
type row struct {
	event         string
	n             int
	fetches, most int
	trips         float64 // per replica
	queue         time.Duration
	busy          float64 // share of one core
	elapsed       time.Duration
	first         served // requests that need new keys, if any
	known         served // requests that need none
	budget        string
	perSecond     []float64 // fetches, for a picture
}

// row ends the counting.
func (s *simulation) row(event string, first, known served, budget string) row {
	s.Helper()
	fetches, used := s.origin.since(s.began), s.server.used()
	r := row{
		event: event, n: s.n, fetches: len(fetches), most: most(fetches, time.Second),
		trips: float64(used.trips) / float64(s.n), queue: used.queue, elapsed: time.Since(s.began),
		first: first, known: known, budget: budget,
	}
	r.busy = used.busy.Seconds() / r.elapsed.Seconds()
	for _, t := range fetches {
		second := int(t.Sub(s.began).Seconds())
		for len(r.perSecond) <= second {
			r.perSecond = append(r.perSecond, 0)
		}
		r.perSecond[second]++
	}
	if first.lost > 0 || known.lost > 0 || known.blocked > 0 {
		s.Errorf("lost %d and %d, blocked %d: want none", first.lost, known.lost, known.blocked)
	}
	s.Logf("%+v", r.brief())
	return r
}

func (r row) brief() string {
	return fmt.Sprintf("n %d, fetches %d, most %d/s, trips %.2f, queue %v, busy %.3f%%, first %+v, known %+v",
		r.n, r.fetches, r.most, r.trips, r.queue, 100*r.busy, r.first, r.known)
}

// atMost fails the scenario if a count is over its budget.
func (s *simulation) atMost(what string, got, limit float64) {
	s.Helper()
	if got > limit {
		s.Errorf("%s: %g, at most %g", what, got, limit)
	}
}
