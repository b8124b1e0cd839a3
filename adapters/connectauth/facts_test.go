package connectauth

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/keychorus/keychorus/adapters/guard"
)

func TestFacts(t *testing.T) {
	spec := connect.Spec{Procedure: "/test.v1.Test/Unary", IdempotencyLevel: connect.IdempotencyNoSideEffects}
	seen := make(chan guard.Request, 1)
	server := connect.NewServer()
	server.Register(connect.Method{Spec: spec, Handler: func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		r := facts(ctx, spec)
		if values := r.Header.Values("Authorization"); len(values) != 2 || len(r.Header.Values("Authorization-Bin")) != 0 {
			t.Errorf("%q", values)
		}
		seen <- r
		return stream.Send(&emptypb.Empty{})
	}})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	plain, secure := httptest.NewServer(mux), httptest.NewUnstartedServer(mux)
	defer plain.Close()
	secure.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13}
	secure.StartTLS()
	defer secure.Close()
	own := secure.Client().Transport.(*http.Transport).TLSClientConfig
	own.Certificates = secure.TLS.Certificates // any will do

	for what, test := range map[string]struct {
		server         *httptest.Server
		option         connecthttp.Option
		method, scheme string
	}{
		"plain": {plain, connecthttp.WithProtoJSON(), http.MethodPost, "http"},
		"GET":   {plain, connecthttp.WithHTTPGet(), http.MethodGet, "http"},
		"TLS":   {secure, connecthttp.WithProtoJSON(), http.MethodPost, "https"},
	} {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().SetValues("Authorization", []string{"one", "two"})
		info.RequestHeader().Set("Authorization-Bin", "dGhyZWU")
		client := connect.NewClient(connecthttp.NewTransport(test.server.Client(), test.server.URL, test.option))
		if err := client.CallUnary(ctx, spec, &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
			t.Fatal(err)
		}
		got := <-seen
		if got.Method != test.method || got.Scheme != test.scheme || got.Path != spec.Procedure ||
			!strings.HasSuffix(test.server.URL, "//"+got.Host) || !strings.HasPrefix(got.RemoteAddr, "127.0.0.1:") ||
			(got.ClientCertificate != nil) != (test.scheme == "https") {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func TestFactsWithoutHTTP(t *testing.T) {
	spec := connect.Spec{Procedure: "/test.v1.Test/Unary"}
	if got := facts(t.Context(), spec); got.Header != nil || got.Method != http.MethodPost || got.Path != spec.Procedure {
		t.Errorf("%+v", got)
	}
}
