//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// stage is what the walk happens on.
type stage struct {
	redis    *redisserver.Server
	issuer   *issuer
	replicas []*replica
	secret   string
	env      []string
	store    *sealed.Store // the operator's own view
	client   *http.Client
	closers  []func()

	mu    sync.Mutex
	token string // what clients send
	views []view // of the event under way, one for each replica
}

// newStage starts everything but the replicas, which is the first event.
func newStage(ctx context.Context, n int) (*stage, error) {
	s := &stage{
		secret: rand.Text() + rand.Text(), views: make([]view, n), replicas: make([]*replica, n),
		// No proxy: everything is on loopback.
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second},
	}
	for i := range s.replicas {
		s.replicas[i] = &replica{}
	}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) open(ctx context.Context) (err error) {
	if s.redis, err = redisserver.Start(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, s.redis.Stop)
	if s.issuer, err = startIssuer(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, s.issuer.close)
	store, closeStore, err := openStore(s.redis.Addr(), "", s.secret)
	if err != nil {
		return err
	}
	s.store = store
	s.closers = append(s.closers, closeStore, func() { stopAll(s.replicas) })
	s.env = []string{envRedis + "=" + s.redis.Addr(), envIssuer + "=" + s.issuer.URL(), envSecret + "=" + s.secret}
	s.token, err = s.issuer.Mint(nil)
	return err
}

// close frees everything that was started, the last first. Closing twice is harmless.
func (s *stage) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
	s.closers = nil
	s.client.CloseIdleConnections()
}

// invite tells what can be tried while the program stays. The secret goes into a file, which
// is removed at the end.
func (s *stage) invite(out io.Writer) error {
	dir, err := os.MkdirTemp("", "fleet-")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "secret")
	token, mintErr := s.issuer.Mint(nil)
	if err := errors.Join(mintErr, os.WriteFile(file, []byte(s.secret+"\n"), 0o600)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `
The fleet stays until it is interrupted. Try, from a checkout of keychorus:

  curl -i %s/hello -H 'Authorization: Bearer %s'
  go run -C cmd/keychorus . fleet watch --redis redis://%s --secret-file %s
  go run -C cmd/keychorus . fleet show  --redis redis://%[3]s --secret-file %[4]s --issuer %[5]s

`, s.replicas[0].url, token, s.redis.Addr(), file, s.issuer.URL())
	return err
}
