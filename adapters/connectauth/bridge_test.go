package connectauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/connectauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

func TestAdapter(t *testing.T) {
	for protocol, test := range map[string]struct {
		spec connect.Spec
		opts []connecthttp.Option
	}{
		"connect":           {unary, nil},
		"connect with GET":  {unary, []connecthttp.Option{connecthttp.WithHTTPGet()}},
		"connect, a stream": {stream, nil},
		"grpc, a stream":    {stream, []connecthttp.Option{connecthttp.WithGRPC()}},
		"grpc-web":          {unary, []connecthttp.Option{connecthttp.WithGRPCWeb()}},
	} {
		t.Run(protocol, func(t *testing.T) {
			targets := map[string]string{} // of the bridges, by their own address
			method := http.MethodPost
			if protocol == "connect with GET" {
				method = http.MethodGet
			}
			adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
				rules := []connectauth.Rule{connectauth.Method(test.spec.Procedure, reqs...)}
				if len(reqs) > 1 { // the split makes no difference
					rules = []connectauth.Rule{connectauth.Method(test.spec.Procedure, reqs[1:]...), connectauth.All(reqs[0])}
				}
				base, client := serve(tb, asHTTP(next), connectauth.Protect(g, rules...))
				front := httptest.NewServer(&bridge{
					client: connect.NewClient(connecthttp.NewTransport(client, base, test.opts...)), spec: test.spec, guard: g,
					// A preflight never becomes a call: it ends at the HTTP server in front.
					options: httpauth.Protect(g, reqs...)(next),
				})
				tb.Cleanup(front.Close)
				targets[front.URL] = base + test.spec.Procedure
				return front.URL
			}, adaptertest.Bridged(func(base string) (string, string) { return method, targets[base] }))
		})
	}
}

// asHTTP has an HTTP handler do the work of a call.
func asHTTP(next http.HandlerFunc) connect.ServerFunc {
	return func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		if err := stream.Receive(&emptypb.Empty{}); err != nil {
			return err
		}
		w := httptest.NewRecorder()
		next(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
		return stream.Send(wrapperspb.String(w.Body.String()))
	}
}

// bridge makes a call of an HTTP request, and an HTTP answer of the call's outcome.
type bridge struct {
	client  *connect.Client
	spec    connect.Spec
	guard   *guard.Guard
	options http.Handler
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		b.options.ServeHTTP(w, r)
		return
	}
	header := r.Header.Clone()
	for _, name := range []string{"Connection", "Content-Length", "Content-Type", "Accept-Encoding"} {
		header.Del(name)
	}
	got := call(r.Context(), b.client, b.spec, header)
	w.Header()["Server-Timing"] = got.fields("Server-Timing")
	switch {
	case r.Context().Err() != nil: // the caller has left
	case got.err != nil:
		b.refuse(w, r, got)
	default:
		_, _ = io.WriteString(w, got.reply)
	}
}

var challengeError = regexp.MustCompile(`error="([a-z_]*)", error_description="([^"]*)"`)

// refuse writes what came over the wire. A body of the guard's own hook alone is asked for
// again, since an error has no place for it.
func (b *bridge) refuse(w http.ResponseWriter, r *http.Request, got outcome) {
	h := w.Header()
	for _, name := range []string{"WWW-Authenticate", "Retry-After", "DPoP-Nonce", "Cache-Control"} {
		h[http.CanonicalHeaderKey(name)] = got.fields(name)
	}
	h.Set("Content-Type", "application/problem+json")
	status := map[connect.Code]int{
		connect.CodeInvalidArgument: 400, connect.CodeUnauthenticated: 401, connect.CodePermissionDenied: 403,
		connect.CodeUnavailable: 503, connect.CodeInternal: 500,
	}[got.err.Code()]
	document := map[string]any{"title": http.StatusText(status), "status": status, "error_description": got.err.Message()}
	document["reason"] = strings.ToLower(got.reason())
	for _, challenge := range h.Values("WWW-Authenticate") {
		if m := challengeError.FindStringSubmatch(challenge); m != nil {
			document["error"] = m[1]
			if m[2] != got.err.Message() {
				panic("the challenge says something else than the error")
			}
		}
	}
	body, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	again := b.guard.Check(r.Context(), guard.Request{Method: http.MethodPost, Header: r.Header})
	if own := again.Header().Get("Content-Type"); own != "" && own != "application/problem+json" {
		h.Set("Content-Type", own)
		body = again.Body()
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

var (
	unary = connect.Spec{
		Procedure: "/test.v1.Test/Unary", StreamType: connect.StreamTypeUnary, IdempotencyLevel: connect.IdempotencyNoSideEffects,
	}
	stream = connect.Spec{Procedure: "/test.v1.Test/Stream", StreamType: connect.StreamTypeBidi}
)

// serve returns the address of a server that speaks HTTP/2, which waits for its handlers at
// the end, and a client for it.
func serve(tb testing.TB, handler connect.ServerFunc, interceptors ...connect.ServerInterceptor) (string, *http.Client) {
	tb.Helper()
	server := connect.NewServer(interceptors...)
	server.Register(connect.Method{Spec: unary, Handler: handler}, connect.Method{Spec: stream, Handler: handler})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	front := httptest.NewUnstartedServer(mux)
	front.Config.Protocols = plain
	front.Start()
	tb.Cleanup(front.Close)
	transport := &http.Transport{Protocols: plain}
	tb.Cleanup(transport.CloseIdleConnections)
	return front.URL, &http.Client{Transport: transport}
}

// outcome of a call.
type outcome struct {
	reply string
	err   *connect.Error
	info  *connect.CallInfo
}

// call makes a call with this header.
func call(ctx context.Context, client *connect.Client, spec connect.Spec, header http.Header) outcome {
	ctx, info := connect.NewClientContext(ctx)
	for name, values := range header {
		info.RequestHeader().SetValues(name, values)
	}
	var reply wrapperspb.StringValue
	var err error
	if spec.StreamType == connect.StreamTypeUnary {
		err = client.CallUnary(ctx, spec, &emptypb.Empty{}, &reply)
	} else {
		var s connect.ClientStream
		if s, err = client.CallClientStream(ctx, spec); err == nil {
			_ = s.Send(&emptypb.Empty{}) // fails if the refusal was faster
			_ = s.CloseSend()
			err = s.Receive(&reply)
			_ = s.Close()
		}
	}
	o := outcome{reply: reply.GetValue(), info: info}
	if err != nil && !errors.As(err, &o.err) {
		o.err = connect.NewError(connect.CodeUnknown, err.Error())
	}
	return o
}

// fields are the values of a field of the header.
func (o outcome) fields(name string) []string { return o.info.ResponseHeader().Values(name) }

func (o outcome) reason() string {
	for _, detail := range o.err.Details() {
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if info, ok := message.(*errdetails.ErrorInfo); ok && err == nil && info.GetDomain() == connectauth.Domain {
			return info.GetReason()
		}
	}
	return ""
}
