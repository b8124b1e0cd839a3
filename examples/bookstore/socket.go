package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// socket is an HTTP server on one address. It is opened before it serves, because an issuer
// and an origin have to be known before the first token and the first page.
type socket struct {
	url      string
	listener net.Listener
	server   *http.Server
	ended    chan struct{}
	err      error // why it ended, once it has
}

func open(addr string) (*socket, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w (port 0 takes a free one)", err)
	}
	return &socket{url: "http://" + listener.Addr().String(), listener: listener, ended: make(chan struct{})}, nil
}

func (s *socket) serve(h http.Handler) {
	s.server = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10, // twice the largest token
	}
	go func() {
		defer close(s.ended)
		s.err = s.server.Serve(s.listener)
	}()
}

// close lets requests under way finish for at most 5 s. Closing twice is harmless.
func (s *socket) close() error {
	if s.server == nil {
		return s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		_ = s.server.Close()
	}
	<-s.ended
	if !errors.Is(s.err, http.ErrServerClosed) {
		err = errors.Join(err, s.err)
	}
	return err
}

// origins are what a browser may call the pages of this socket: people also type localhost.
func (s *socket) origins() []string {
	origins := []string{s.url}
	if loopback(s.listener.Addr()) {
		origins = append(origins, "http://localhost:"+strconv.Itoa(s.listener.Addr().(*net.TCPAddr).Port))
	}
	return origins
}
