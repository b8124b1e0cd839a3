package jwks

import (
	"net"
	"testing"
)

// The proxy of the environment is the operator's word, wherever it is.
func TestProxyIsExemptFromTheDialGuard(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	g := &dialGuard{trusted: map[string]bool{}}
	if conn, err := g.dial(t.Context(), "tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("a loopback address that nobody configured was dialled")
	}
	proxy := "127.0.0.1"
	g.through.Store(&proxy)
	conn, err := g.dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("the proxy was not dialled: %v", err)
	}
	_ = conn.Close()
}
