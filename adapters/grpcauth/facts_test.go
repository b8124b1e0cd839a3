package grpcauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

func TestFacts(t *testing.T) {
	certificate := &x509.Certificate{}
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234}
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(
		":authority", "books.test", "authorization", "one", "authorization", "two", "authorization-bin", "three"))
	with := func(p *peer.Peer) context.Context { return peer.NewContext(ctx, p) }
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate, {}}}
	for what, test := range map[string]struct {
		ctx            context.Context
		scheme, remote string
		certificate    *x509.Certificate
	}{
		"no peer":            {ctx, "http", "", nil},
		"no address":         {with(&peer.Peer{}), "http", "", nil},
		"plain":              {with(&peer.Peer{Addr: address}), "http", "127.0.0.1:1234", nil},
		"TLS":                {with(&peer.Peer{Addr: address, AuthInfo: credentials.TLSInfo{}}), "https", "127.0.0.1:1234", nil},
		"client certificate": {with(&peer.Peer{Addr: address, AuthInfo: credentials.TLSInfo{State: state}}), "https", "127.0.0.1:1234", certificate},
	} {
		got := facts(test.ctx, "/test.v1.Test/Unary")
		if got.Method != "POST" || got.Path != "/test.v1.Test/Unary" || got.Host != "books.test" ||
			got.Scheme != test.scheme || got.RemoteAddr != test.remote || got.ClientCertificate != test.certificate {
			t.Errorf("%s: %+v", what, got)
		}
		if values := got.Header.Values("Authorization"); len(values) != 2 || values[0] != "one" || values[1] != "two" {
			t.Errorf("%s: %q", what, values)
		}
		if values := got.Header.Values("Authorization-Bin"); len(values) != 0 {
			t.Errorf("%s: %q", what, values)
		}
	}
	if got := facts(t.Context(), "/a/b"); got.Host != "" || len(got.Header.Values("Authorization")) != 0 {
		t.Errorf("without metadata: %+v", got)
	}
}
