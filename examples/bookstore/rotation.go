package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// rotate lets clients go on while the signing key changes: nothing may be refused, neither
// tokens of the old key nor of the new one, and the new key may cost one fetch.
func (s *stage) rotate(ctx context.Context) line {
	const clients, warm, each = 4, 10, 50
	began, fetched := time.Now(), s.dev.Counts().JWKS
	old, err := s.dev.token("reader")
	var (
		renewed      atomic.Pointer[string]
		sent, failed atomic.Int64
		wg, running  sync.WaitGroup
	)
	send := func(token string) {
		sent.Add(1)
		got, err := request(ctx, s.api.url, http.MethodGet, "Bearer "+token)
		if err != nil || got.status != http.StatusOK {
			failed.Add(1)
		}
	}
	running.Add(clients)
	for range clients {
		wg.Go(func() {
			for range warm {
				send(old)
			}
			running.Done()
			for renewed.Load() == nil {
				send(old)
			}
			for range each {
				send(*renewed.Load())
				send(old)
			}
		})
	}
	running.Wait()
	_, rotated := s.dev.Rotate()
	token, minted := s.dev.token("reader")
	renewed.Store(&token)
	wg.Wait()
	fetches := s.dev.Counts().JWKS - fetched
	l := line{
		name: fmt.Sprintf("%d requests, old key and new", sent.Load()), method: http.MethodGet,
		got: outcome{status: http.StatusOK}, elapsed: time.Since(began),
		right: failed.Load() == 0 && fetches == 1,
		note:  fmt.Sprintf("%d refused; fetches of the key set: %d", failed.Load(), fetches),
	}
	if !l.right {
		l.note += ", expected 0 and 1"
	}
	if err := errors.Join(err, rotated, minted); err != nil {
		l.right, l.note = false, err.Error()
	}
	return l
}
