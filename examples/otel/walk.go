package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// call is a request and the answer that it deserves.
type call struct {
	name   string
	token  string
	method string
	status int
	before func(c *call) error // what happens just before
}

// round calls the API as everybody does, and lets the store and the issuer fail. It is an error
// if a caller is answered otherwise than it deserves.
func (s *stage) round(ctx context.Context, out io.Writer) error {
	calls, err := s.calls(ctx)
	if err != nil {
		return err
	}
	defer s.store.away(false)
	if err := s.walk(ctx, out, calls); err != nil {
		return err
	}
	// A gate that was shut because of made-up keys also refuses new ones, see docs/keys.md.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Second):
	}
	defer s.issuer.Fail(0)
	return s.walk(ctx, out, []call{{name: "new key, issuer away", status: http.StatusServiceUnavailable, before: func(c *call) error {
		s.store.restore(s.kept)
		if err := s.rotate(c); err != nil {
			return err
		}
		s.issuer.Fail(http.StatusServiceUnavailable)
		return nil
	}}})
}

func (s *stage) calls(ctx context.Context) ([]call, error) {
	var tokens [5]string
	for i, m := range []struct {
		issuer *devissuer.Issuer
		claims devissuer.Claims
	}{
		{s.issuer, devissuer.Claims{}},
		{s.issuer, devissuer.Claims{}},
		{s.issuer, devissuer.Claims{"iat": devissuer.FromNow(-2 * time.Hour), "exp": devissuer.FromNow(-time.Hour)}},
		{s.issuer, devissuer.Claims{"aud": []string{"https://api.elsewhere.example"}}},
		{s.stranger, devissuer.Claims{}},
	} {
		var err error
		if tokens[i], err = s.mint(m.issuer, m.claims); err != nil {
			return nil, err
		}
	}
	return []call{
		{name: "good, no keys yet", token: tokens[0], status: http.StatusOK},
		{name: "good, keys at hand", token: tokens[1], status: http.StatusOK},
		{name: "good, seen before", token: tokens[1], status: http.StatusOK},
		{name: "no token", status: http.StatusUnauthorized},
		{name: "without the scope", token: tokens[0], method: http.MethodPost, status: http.StatusForbidden},
		{name: "expired", token: tokens[2], status: http.StatusUnauthorized},
		{name: "for another API", token: tokens[3], status: http.StatusUnauthorized},
		{name: "undefined", token: "undefined", status: http.StatusUnauthorized},
		{name: "new key, store away", status: http.StatusOK, before: func(c *call) error {
			if err := s.store.calm(ctx); err != nil {
				return err
			}
			s.kept = s.store.backup()
			s.store.away(true)
			return s.rotate(c)
		}},
		{name: "made-up key", token: tokens[4], status: http.StatusUnauthorized, before: func(*call) error {
			s.store.away(false)
			s.store.spoil()
			return nil
		}},
		{name: "made-up key again", token: tokens[4], status: http.StatusUnauthorized},
	}, nil
}

// rotate gives the issuer another key, of which it publishes two, and the call a token signed
// with it.
func (s *stage) rotate(c *call) error {
	former := s.issuer.Key().ID()
	if _, err := s.issuer.Rotate(); err != nil {
		return err
	}
	for _, k := range s.issuer.Keys() {
		if id := k.ID(); id != former && id != s.issuer.Key().ID() {
			if err := s.issuer.Withdraw(id); err != nil {
				return err
			}
		}
	}
	var err error
	c.token, err = s.mint(s.issuer, devissuer.Claims{})
	return err
}

func (s *stage) mint(issuer *devissuer.Issuer, claims devissuer.Claims) (string, error) {
	token, err := issuer.Mint(claims)
	if err != nil {
		return "", err
	}
	return token, s.sent.Token(token)
}

func (s *stage) walk(ctx context.Context, out io.Writer, calls []call) error {
	for _, c := range calls {
		if c.before != nil {
			if err := c.before(&c); err != nil {
				return err
			}
		}
		if c.method == "" {
			c.method = http.MethodGet
		}
		status, err := s.patient(ctx, c)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%-4s /books  %-20s  %d\n", c.method, c.name, status)
		if status != c.status {
			return fmt.Errorf("%s: %w: %d, want %d", c.name, errAnswer, status, c.status)
		}
	}
	return nil
}

// errAnswer is an answer that a caller does not deserve.
var errAnswer = errors.New("answered otherwise")

// patient sends a call that deserves better than 503 again, a few times, as a client does that
// is told Retry-After: this machine may be busy.
func (s *stage) patient(ctx context.Context, c call) (status int, err error) {
	for range 5 {
		status, err = s.send(ctx, c)
		if err != nil || status != http.StatusServiceUnavailable || c.status == status {
			return status, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return status, nil
}

func (s *stage) send(ctx context.Context, c call) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, c.method, s.api+"/books", nil)
	if err != nil {
		return 0, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
