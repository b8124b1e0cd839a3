package connectauth

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/keychorus/keychorus/adapters/guard"
)

// facts of a call; what a transport other than HTTP does not tell stays empty.
func facts(ctx context.Context, spec connect.Spec) guard.Request {
	r := guard.Request{Method: http.MethodPost, Scheme: "http", Path: spec.Procedure}
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return r
	}
	r.Header = header{info.RequestHeader()}
	r.Host = info.RequestHeader().Get("Host")
	r.RemoteAddr = info.PeerAddr
	server, ok := connecthttp.ServerInfoForContext(ctx)
	if !ok {
		return r
	}
	r.Method = cmp.Or(server.HTTPMethod(), r.Method) // GET for a call without side effects
	if tls := server.TLS(); tls != nil {
		r.Scheme = "https"
		if chain := tls.PeerCertificates; len(chain) > 0 {
			r.ClientCertificate = chain[0]
		}
	}
	return r
}

type header struct{ fields *connect.Header }

// Values of a field. Binary ones are not text.
func (h header) Values(name string) []string {
	if strings.HasSuffix(strings.ToLower(name), "-bin") {
		return nil
	}
	return h.fields.Values(name)
}
