package grpcauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/adaptertest"
	"github.com/keychorus/keychorus/adapters/grpcauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

func TestAdapter(t *testing.T) {
	for _, method := range []string{unaryMethod, streamMethod} {
		t.Run(method, func(t *testing.T) {
			targets := map[string]string{} // of the bridges, by their own address
			adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
				rules := []grpcauth.Rule{grpcauth.Method(method, reqs...)}
				if len(reqs) > 1 { // the split makes no difference
					rules = []grpcauth.Rule{grpcauth.Method(method, reqs[1:]...), grpcauth.All(reqs[0])}
				}
				address := serve(tb, asHTTP(next), grpc.UnaryInterceptor(grpcauth.Unary(g, rules...)),
					grpc.StreamInterceptor(grpcauth.Stream(g, rules...)))
				front := httptest.NewServer(&bridge{
					target: "http://" + address + method, client: rawClient(tb), guard: g,
					// A preflight never becomes a call: it ends at the HTTP server in front.
					options: httpauth.Protect(g, reqs...)(next),
				})
				tb.Cleanup(front.Close)
				targets[front.URL] = "http://" + address + method
				return front.URL
			}, adaptertest.Bridged(func(base string) (string, string) { return http.MethodPost, targets[base] }))
		})
	}
}

// asHTTP has an HTTP handler do the work of a call.
func asHTTP(next http.HandlerFunc) handlers {
	call := func(ctx context.Context) *wrapperspb.StringValue {
		w := httptest.NewRecorder()
		next(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
		return wrapperspb.String(w.Body.String())
	}
	return handlers{
		unary: func(ctx context.Context) (*wrapperspb.StringValue, error) { return call(ctx), nil },
		stream: func(ss grpc.ServerStream) error {
			if err := ss.RecvMsg(&emptypb.Empty{}); err != nil {
				return err
			}
			return ss.SendMsg(call(ss.Context()))
		},
	}
}

// rawClient speaks HTTP/2 below grpc-go's client, which would not send what hostile clients do.
func rawClient(tb testing.TB) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// bridge makes a gRPC call of an HTTP request, and an HTTP answer of the call's outcome.
type bridge struct {
	target  string
	client  *http.Client
	guard   *guard.Guard
	options http.Handler
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		b.options.ServeHTTP(w, r)
		return
	}
	const emptyMessage = "\x00\x00\x00\x00\x00" // gRPC over HTTP2: not compressed, length 0
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, b.target, strings.NewReader(emptyMessage))
	if err != nil {
		panic(err)
	}
	q.Header = r.Header.Clone()
	for _, name := range []string{"Connection", "Content-Length", "Accept-Encoding"} {
		q.Header.Del(name)
	}
	q.Header.Set("Content-Type", "application/grpc")
	q.Header.Set("TE", "trailers")
	resp, err := b.client.Do(q)
	if err != nil {
		return // the caller has left
	}
	defer func() { _ = resp.Body.Close() }()
	w.Header()["Server-Timing"] = resp.Header.Values("Server-Timing")
	message, err := io.ReadAll(resp.Body)
	if err != nil {
		return
	}
	end := resp.Trailer
	if end.Get("Grpc-Status") == "" {
		end = resp.Header // nothing but a trailer was sent
	}
	if end.Get("Grpc-Status") == "0" {
		var value wrapperspb.StringValue
		if len(message) < len(emptyMessage) || proto.Unmarshal(message[len(emptyMessage):], &value) != nil {
			panic("no message")
		}
		_, _ = io.WriteString(w, value.GetValue())
		return
	}
	b.refuse(w, r, resp.Header, end)
}

var challengeError = regexp.MustCompile(`error="([a-z_]*)", error_description="([^"]*)"`)

// refuse writes what came over the wire. A body of the guard's own hook alone is asked for
// again, since gRPC has no place for it.
func (b *bridge) refuse(w http.ResponseWriter, r *http.Request, header, end http.Header) {
	var s spb.Status
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(end.Get("Grpc-Status-Details-Bin"), "="))
	if err != nil || proto.Unmarshal(raw, &s) != nil || strconv.Itoa(int(s.GetCode())) != end.Get("Grpc-Status") {
		panic("no details")
	}
	h := w.Header()
	for _, name := range []string{"WWW-Authenticate", "Retry-After", "DPoP-Nonce"} {
		h[http.CanonicalHeaderKey(name)] = header.Values(name)
	}
	h.Set("Cache-Control", "no-store") // a POST is not cached
	h.Set("Content-Type", "application/problem+json")
	status := map[codes.Code]int{
		codes.InvalidArgument: 400, codes.Unauthenticated: 401, codes.PermissionDenied: 403,
		codes.Unavailable: 503, codes.Internal: 500,
	}[codes.Code(s.GetCode())]
	document := map[string]any{"title": http.StatusText(status), "status": status, "error_description": s.GetMessage()}
	for _, detail := range s.GetDetails() {
		var info errdetails.ErrorInfo
		if detail.UnmarshalTo(&info) == nil {
			document["reason"] = strings.ToLower(info.GetReason())
		}
	}
	for _, challenge := range h.Values("WWW-Authenticate") {
		if m := challengeError.FindStringSubmatch(challenge); m != nil {
			document["error"] = m[1]
			if m[2] != s.GetMessage() {
				panic("the challenge says something else than the status")
			}
		}
	}
	var body bytes.Buffer
	_ = json.NewEncoder(&body).Encode(document)
	again := b.guard.Check(r.Context(), guard.Request{Method: http.MethodPost, Header: r.Header})
	if own := again.Header().Get("Content-Type"); own != "" && own != "application/problem+json" {
		h.Set("Content-Type", own)
		body = *bytes.NewBuffer(again.Body())
	}
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}

const (
	unaryMethod  = "/test.v1.Test/Unary"
	streamMethod = "/test.v1.Test/Stream"
)

// handlers of a service with one unary method and one stream.
type handlers struct {
	unary  func(context.Context) (*wrapperspb.StringValue, error)
	stream func(grpc.ServerStream) error
}

func (h handlers) register(s grpc.ServiceRegistrar) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.v1.Test",
		Methods: []grpc.MethodDesc{{
			MethodName: "Unary",
			Handler: func(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
				var in emptypb.Empty
				if err := decode(&in); err != nil {
					return nil, err
				}
				handler := func(ctx context.Context, _ any) (any, error) { return h.unary(ctx) }
				return interceptor(ctx, &in, &grpc.UnaryServerInfo{FullMethod: unaryMethod}, handler)
			},
		}},
		Streams: []grpc.StreamDesc{{
			StreamName: "Stream", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, ss grpc.ServerStream) error { return h.stream(ss) },
		}},
	}, nil)
}

// serve returns the address of a server, which waits for its handlers at the end.
func serve(tb testing.TB, h interface{ register(s grpc.ServiceRegistrar) }, opts ...grpc.ServerOption) string {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := grpc.NewServer(append(opts, grpc.WaitForHandlers(true))...)
	h.register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return listener.Addr().String()
}
