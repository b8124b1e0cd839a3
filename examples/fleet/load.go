//go:build unix

package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// view is what the clients of one replica saw during an event.
type view struct {
	ok, unauthorized, unavailable, other int
	// lost are valid tokens that were not answered with 200, whatever was answered instead.
	lost int
	// slowest is the slowest answer; followed is when this replica did what the event asks for.
	slowest, followed time.Duration
}

// kind says what a token deserves.
type kind uint8

const (
	valid   kind = iota // anything but 200 is a loss
	invalid             // whatever is answered is only counted
)

// ask sends a token to a replica, notes the answer and returns its status, 0 for none.
func (s *stage) ask(ctx context.Context, i int, token string, k kind) int {
	r := s.replicas[i]
	r.RLock()
	defer r.RUnlock()
	if r.process == nil {
		return 0
	}
	began := time.Now()
	status := s.send(ctx, r.url, token)
	if ctx.Err() != nil { // says nothing about the replica
		return 0
	}
	s.note(i, status, time.Since(began), k)
	return status
}

func (s *stage) send(ctx context.Context, url, token string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/hello", http.NoBody)
	if err != nil {
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (s *stage) note(i, status int, elapsed time.Duration, k kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.views[i]
	switch status {
	case http.StatusOK:
		v.ok++
	case http.StatusUnauthorized:
		v.unauthorized++
	case http.StatusServiceUnavailable:
		v.unavailable++
	default:
		v.other++
	}
	if k == valid && status != http.StatusOK {
		v.lost++
	}
	v.slowest = max(v.slowest, elapsed)
}

func (s *stage) followed(i int, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views[i].followed = d
}

// turnOver starts counting anew and returns what was seen so far.
func (s *stage) turnOver() []view {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.views
	s.views = make([]view, len(seen))
	return seen
}

func (s *stage) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func (s *stage) use(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// pace is the time between two requests of a client.
const pace = 10 * time.Millisecond

// steady is the load of every day: one client for each replica, with the current token. The
// function it returns ends it.
func (s *stage) steady(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i := range s.replicas {
		wg.Go(func() {
			for pause(ctx, pace) {
				s.ask(ctx, i, s.current(), valid)
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// each runs f for all replicas at once.
func (s *stage) each(f func(i int)) {
	var wg sync.WaitGroup
	for i := range s.replicas {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// until asks all replicas at once, over and over, for want, and notes for each how long after
// began it got it. It gives up when ctx ends.
func (s *stage) until(ctx context.Context, began time.Time, token string, k kind, want int) {
	s.each(func(i int) {
		for ctx.Err() == nil {
			if s.ask(ctx, i, token, k) == want {
				s.followed(i, time.Since(began))
				return
			}
			pause(ctx, pace)
		}
	})
}

// pause returns false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
