// Package connectv1 guards handlers of version 1 of connect.
//
// There an interceptor runs after the message has been read and decoded, which is too late:
// the guard stands in front, as net/http middleware. Callers that speak Connect, gRPC or
// gRPC-Web are answered in their protocol, and all others by httpauth. For version 2 there
// is package connectauth.
package connectv1

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

// Protect returns middleware for connect's handlers.
func Protect(g *guard.Guard, reqs ...verifier.Requirement) func(http.Handler) http.Handler {
	errorWriter := connect.NewErrorWriter()
	return func(next http.Handler) http.Handler {
		plain := httpauth.Protect(g, reqs...)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !errorWriter.IsSupported(r) {
				plain.ServeHTTP(w, r)
				return
			}
			d := g.Check(r.Context(), facts(r), reqs...)
			d.CopyHeader(w.Header().Set, w.Header().Add)
			if d.Allowed() {
				next.ServeHTTP(w, r.WithContext(d.Context(r.Context())))
				return
			}
			w.Header().Del("Content-Type")          // the protocol has its own
			_ = errorWriter.Write(w, r, refusal(d)) // the caller has left
		})
	}
}

func facts(r *http.Request) guard.Request {
	q := guard.Request{
		Method: r.Method, Scheme: "http", Host: r.Host, Path: r.URL.EscapedPath(), RemoteAddr: r.RemoteAddr, Header: r.Header,
	}
	if r.TLS != nil {
		q.Scheme = "https"
		if chain := r.TLS.PeerCertificates; len(chain) > 0 {
			q.ClientCertificate = chain[0]
		}
	}
	return q
}

// refusal tells a fixed text of a closed list: that of the error may be for our own logs.
func refusal(d guard.Decision) *connect.Error {
	reason := verifier.ReasonMisconfigured
	if e, ok := errors.AsType[*verifier.Error](d.Err()); ok {
		reason = e.Reason
	}
	return connect.NewError(connect.Code(d.Code()), errors.New(reason.Description()))
}

// The procedures of the example. Those of yours come from protoc-gen-connect-go.
const (
	List = "/shop.v1.Books/List"
	Add  = "/shop.v1.Books/Add"
)

// New returns an API of two procedures.
func New(g *guard.Guard) http.Handler {
	hello := func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
		token, _ := verifier.TokenFromContext(ctx)
		return connect.NewResponse(wrapperspb.String("hello " + token.Subject())), nil
	}
	mux := http.NewServeMux()
	mux.Handle(List, Protect(g)(connect.NewUnaryHandler(List, hello)))
	mux.Handle(Add, Protect(g, verifier.Scopes("write:books"))(connect.NewUnaryHandler(Add, hello)))
	return mux
}
