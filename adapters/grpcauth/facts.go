package grpcauth

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/keychorus/keychorus/adapters/guard"
)

// facts of a call. gRPC is a POST over HTTP/2.
func facts(ctx context.Context, method string) guard.Request {
	r := guard.Request{Method: http.MethodPost, Scheme: "http", Path: method, Header: incoming{ctx}}
	if authority := metadata.ValueFromIncomingContext(ctx, ":authority"); len(authority) == 1 {
		r.Host = authority[0]
	}
	p, ok := peer.FromContext(ctx)
	if !ok {
		return r
	}
	if p.Addr != nil {
		r.RemoteAddr = p.Addr.String()
	}
	if tls, ok := p.AuthInfo.(credentials.TLSInfo); ok {
		r.Scheme = "https"
		if chain := tls.State.PeerCertificates; len(chain) > 0 {
			r.ClientCertificate = chain[0]
		}
	}
	return r
}

// header reads metadata without copying all of it.
type incoming struct{ ctx context.Context }

// Values of a key. Binary ones are no header fields: nothing that stands in one is text.
func (h incoming) Values(name string) []string {
	key := strings.ToLower(name)
	if strings.HasSuffix(key, "-bin") {
		return nil
	}
	return metadata.ValueFromIncomingContext(h.ctx, key)
}
