//go:build unix

package chaos

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
)

// Plan is what a run is like.
type Plan struct {
	Seed     uint64
	Length   time.Duration
	Steps    []Step
	Replicas int
	Rate     int           // tokens a second, in all
	Interval time.Duration // the refresh interval
	Clocks   bool          // replicas whose clocks can be set
	Dir      string        // for programs and logs
	Log      func(format string, args ...any)
}

// stage is what the events happen on.
type stage struct {
	Plan

	ledger  *Ledger
	dir     string
	program string
	env     []string
	secret  string
	origin  *origin
	redis   *shared
	book    *book
	slots   []*slot
	client  *http.Client
	ops     *verifier.Verifier // an operator's
	closers []func()
	lives   sync.WaitGroup
	flood   atomic.Bool

	strangers atomic.Bool // somebody may try what a forged record would make good

	mu     sync.Mutex
	all    []*life
	errors []error
}

// Run lets the plan happen and returns the ledger. The error is a part that could not be played;
// the ledger is then nil or of no use. Everything that was started has ended when it returns.
func Run(ctx context.Context, p Plan) (*Ledger, error) {
	l := &Ledger{Seed: p.Seed, Replicas: p.Replicas, Interval: p.Interval}
	st := &stage{Plan: p, ledger: l, dir: p.Dir, secret: rand.Text() + rand.Text(), client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer st.close()
	if err := st.open(ctx); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, time.Until(l.began.Add(p.Length)))
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range st.slots {
		wg.Go(func() { st.steady(within, s) })
		wg.Go(func() { st.flooding(within, s) })
	}
	for _, name := range []string{"keys", "issuer", "redis", "replicas", "callers"} {
		wg.Go(func() { st.play(within, name) })
	}
	wg.Wait()
	l.Length = l.now()
	st.close()
	return l, errors.Join(append(st.errors, ctx.Err())...)
}

// open starts everything and returns when every replica is ready.
func (st *stage) open(ctx context.Context) (err error) {
	if st.program, err = build(ctx, st.dir, st.Clocks); err != nil {
		return err
	}
	if st.redis, err = startShared(ctx); err != nil {
		return err
	}
	st.closers = append(st.closers, st.redis.close)
	st.ledger.began = time.Now()
	if st.origin, err = startOrigin(ctx, st.ledger); err != nil {
		return err
	}
	st.closers = append(st.closers, st.origin.close)
	if st.book, err = newBook(st.origin.Issuer, st.ledger); err != nil {
		return err
	}
	if err := st.operator(); err != nil {
		return err
	}
	st.env = []string{
		"FLEET_REDIS=" + strings.Join(st.redis.Addrs(), ","), "FLEET_MASTER=" + st.redis.Name,
		"FLEET_ISSUER=" + st.origin.URL(), "FLEET_REFRESH=" + st.Interval.String(), "KEYCHORUS_FLEET_SECRET=" + st.secret,
	}
	st.closers = append(st.closers, st.stopAll)
	errs := make([]error, st.Replicas)
	var wg sync.WaitGroup
	for i := range st.Replicas {
		st.slots = append(st.slots, &slot{index: i})
	}
	for i, s := range st.slots {
		wg.Go(func() { errs[i] = st.start(ctx, s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// operator makes the verifier that revokes, as the command keychorus does.
func (st *stage) operator() error {
	secrets, err := sealed.NewSecrets([]byte(st.secret))
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	store, err := rediskeystore.New(st.redis.client, secrets)
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	st.ops, err = verifier.New(verifier.Policy{Issuers: []verifier.Issuer{{URL: st.origin.URL()}}, Audiences: []string{audience}}, verifier.WithKeyStore(store))
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	st.closers = append(st.closers, func() { _ = st.ops.Close() })
	return nil
}

func (st *stage) stopAll() {
	st.mu.Lock()
	all := slices.Clone(st.all)
	st.mu.Unlock()
	for _, l := range all {
		st.stop(l, 0)
	}
	st.lives.Wait()
}

func (st *stage) close() {
	for _, c := range slices.Backward(st.closers) {
		c()
	}
	st.closers = nil
	st.client.CloseIdleConnections()
}

// get sends a token, "" for none, and returns the status, 0 for no answer, and the date of the
// answer.
func (st *stage) get(ctx context.Context, url, token string) (status int, date time.Time) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, time.Time{}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := st.client.Do(req)
	if err != nil {
		return 0, time.Time{}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	_ = resp.Body.Close()
	date, _ = http.ParseTime(resp.Header.Get("Date"))
	return resp.StatusCode, date
}

// fail notes that a part could not be played.
func (st *stage) fail(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.errors = append(st.errors, err)
}
