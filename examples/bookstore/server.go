package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// audience is what the bookstore is registered as.
const audience = "https://api.bookstore.example"

// server is an HTTP server whose address is known before it serves.
type server struct {
	url      string
	listener net.Listener
	http     *http.Server
}

func listen(ctx context.Context, address string) (*server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &server{url: "http://" + l.Addr().String(), listener: l}, nil
}

func (s *server) serve(h http.Handler) {
	s.http = &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}
	go func() { _ = s.http.Serve(s.listener) }() // ends with close
}

// close lets running requests finish for a moment.
func (s *server) close() {
	if s.http == nil {
		_ = s.listener.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// development is the issuer that stands in for a tenant.
type development struct {
	*devissuer.Issuer
	server *server
}

func startIssuer(ctx context.Context, address string) (*development, error) {
	s, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	issuer, err := devissuer.New(s.url, devissuer.WithAudience(audience))
	if err != nil {
		s.close()
		return nil, err
	}
	s.serve(issuer)
	return &development{issuer, s}, nil
}

func (d *development) close() { d.server.close() }

func (d *development) policy() verifier.Policy {
	return verifier.Policy{
		Issuers:    []verifier.Issuer{{URL: d.URL(), JWKSURL: d.JWKSURL()}},
		Audiences:  []string{audience},
		Algorithms: []verifier.Algorithm{verifier.RS256},
	}
}
