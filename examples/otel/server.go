package main

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// server is an HTTP server.
type server struct {
	url   string
	http  *http.Server
	ended chan error
}

// listen serves h at addr. Close it.
func listen(addr string, h http.Handler) (*server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return serveOn(l, h), nil
}

func serveOn(l net.Listener, h http.Handler) *server {
	s := &server{
		url:   "http://" + l.Addr().String(),
		http:  &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second},
		ended: make(chan error, 1),
	}
	go func() { s.ended <- s.http.Serve(l) }()
	return s
}

func (s *server) close() error {
	err := s.http.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
