//go:build unix

package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// issuer is the development issuer on a socket, which can be down.
type issuer struct {
	*devissuer.Issuer

	down   atomic.Bool
	missed atomic.Int64 // attempts while it was down
	stop   context.CancelFunc
	served sync.WaitGroup
}

func startIssuer(ctx context.Context) (*issuer, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	dev, err := devissuer.New("http://"+listener.Addr().String(), devissuer.WithAudience(audience))
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	i := &issuer{Issuer: dev}
	ctx, i.stop = context.WithCancel(context.WithoutCancel(ctx))
	i.served.Go(func() { _ = serve(ctx, listener, http.HandlerFunc(i.answer), func() {}) })
	return i, nil
}

// answer closes the connection without a word while the issuer is down.
func (i *issuer) answer(w http.ResponseWriter, r *http.Request) {
	if i.down.Load() {
		i.missed.Add(1)
		panic(http.ErrAbortHandler)
	}
	i.ServeHTTP(w, r)
}

// fetches counts how often anybody asked for the keys, or tried to.
func (i *issuer) fetches() int { return i.Counts().JWKS + int(i.missed.Load()) }

func (i *issuer) close() {
	i.stop()
	i.served.Wait()
}
