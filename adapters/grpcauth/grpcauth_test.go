package grpcauth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/grpcauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func newGuard(tb testing.TB, issuer *verifiertest.Issuer, opts ...guard.Option) *guard.Guard {
	tb.Helper()
	g, err := guard.New(issuer.Verifier(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// interceptors are those that a server needs.
func interceptors(g *guard.Guard, rules ...grpcauth.Rule) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(grpcauth.Unary(g, rules...)),
		grpc.ChainStreamInterceptor(grpcauth.Stream(g, rules...)),
	}
}

// subject answers with the subject of the token, or "nobody".
func subject(ctx context.Context) (*wrapperspb.StringValue, error) {
	token, ok := verifier.TokenFromContext(ctx)
	if !ok {
		return wrapperspb.String("nobody"), nil
	}
	return wrapperspb.String(token.Subject()), nil
}

var greeter = handlers{
	unary: subject,
	stream: func(ss grpc.ServerStream) error {
		name, _ := subject(ss.Context())
		return ss.SendMsg(name)
	},
}

type withHealth struct{ handlers }

func (h withHealth) register(s grpc.ServiceRegistrar) {
	h.handlers.register(s)
	healthpb.RegisterHealthServer(s, health.NewServer())
}

func dial(tb testing.TB, address string) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// outcome of a call.
type outcome struct {
	reply  string
	err    error
	header metadata.MD
}

func (o outcome) reason(tb testing.TB) string {
	tb.Helper()
	for _, detail := range status.Convert(o.err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == grpcauth.Domain {
			return info.GetReason()
		}
	}
	tb.Errorf("no ErrorInfo in %v", o.err)
	return ""
}

// call makes a call with these keys and values of metadata.
func call(ctx context.Context, conn *grpc.ClientConn, method string, kv ...string) outcome {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx, kv...))
	defer cancel()
	var o outcome
	var reply wrapperspb.StringValue
	if method == unaryMethod {
		o.err = conn.Invoke(ctx, method, &emptypb.Empty{}, &reply, grpc.Header(&o.header))
	} else {
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		if err != nil {
			return outcome{err: err}
		}
		o.err = stream.RecvMsg(&reply)
		o.header, _ = stream.Header()
	}
	o.reply = reply.GetValue()
	return o
}

func bearer(token string) []string { return []string{"authorization", "Bearer " + token} }

var methods = []string{unaryMethod, streamMethod}

func TestRefusal(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer, guard.WithRealm("books"))
	conn := dial(t, serve(t, greeter, interceptors(g, grpcauth.All(verifier.Scopes("admin")))...))
	const invalid = `Bearer realm="books", error="invalid_token", error_description="`
	for what, test := range map[string]struct {
		kv        []string
		code      codes.Code
		reason    verifier.Reason
		challenge string
	}{
		"no token":         {nil, codes.Unauthenticated, verifier.ReasonNoCredentials, `Bearer realm="books"`},
		"binary key":       {[]string{"authorization-bin", "Bearer " + issuer.Token()}, codes.Unauthenticated, verifier.ReasonNoCredentials, `Bearer realm="books"`},
		"another key":      {[]string{"x-authorization", "Bearer " + issuer.Token()}, codes.Unauthenticated, verifier.ReasonNoCredentials, `Bearer realm="books"`},
		"two tokens":       {append(bearer(issuer.Token()), bearer("x")...), codes.InvalidArgument, verifier.ReasonMultipleCredentials, `Bearer realm="books", error="invalid_request"`},
		"placeholder":      {bearer("undefined"), codes.Unauthenticated, verifier.ReasonPlaceholder, invalid},
		"no admin":         {bearer(issuer.Token()), codes.PermissionDenied, verifier.ReasonScope, `Bearer realm="books", error="insufficient_scope"`},
		"another audience": {bearer(issuer.Token(verifiertest.Claims{"aud": "x"})), codes.Unauthenticated, verifier.ReasonAudience, invalid},
	} {
		for _, method := range methods {
			got := call(t.Context(), conn, method, test.kv...)
			s := status.Convert(got.err)
			if s.Code() != test.code || s.Message() != test.reason.Description() {
				t.Errorf("%s: %v, want %v and the description of %s", what, got.err, test.code, test.reason)
			}
			if reason := got.reason(t); reason != upper(test.reason) {
				t.Errorf("%s: reason %s", what, reason)
			}
			challenges := got.header.Get("www-authenticate")
			if len(challenges) != 1 || !strings.HasPrefix(challenges[0], test.challenge) {
				t.Errorf("%s: challenges %q, want one with %q", what, challenges, test.challenge)
			}
		}
	}
}

func TestKeysAreNotAvailable(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	issuer.Fail(http.StatusBadGateway)
	conn := dial(t, serve(t, greeter, interceptors(newGuard(t, issuer))...))
	for _, method := range methods {
		got := call(t.Context(), conn, method, bearer(issuer.Token())...)
		if status.Code(got.err) != codes.Unavailable || got.reason(t) != "KEYS_UNAVAILABLE" || len(got.header.Get("www-authenticate")) != 0 {
			t.Errorf("%v with %v", got.err, got.header)
		}
		retry := slices.IndexFunc(status.Convert(got.err).Details(), func(detail any) bool {
			info, ok := detail.(*errdetails.RetryInfo)
			return ok && info.GetRetryDelay().AsDuration().Seconds() >= 1
		})
		if after := got.header.Get("retry-after"); retry < 0 || len(after) != 1 || after[0] == "0" {
			t.Errorf("no RetryInfo, or retry-after %q", after)
		}
	}
}

func TestMethodAndExempt(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	conn := dial(t, serve(t, greeter, interceptors(newGuard(t, issuer),
		grpcauth.Exempt(streamMethod), grpcauth.Method(unaryMethod, verifier.Scopes("write")), grpcauth.All(verifier.Scopes("read")))...))
	for what, test := range map[string]struct {
		method string
		scopes string // none: no token
		code   codes.Code
		reply  string
	}{
		"exempt":            {streamMethod, "", codes.OK, "nobody"},
		"exempt with token": {streamMethod, "read", codes.OK, "nobody"},
		"all alone":         {unaryMethod, "read", codes.PermissionDenied, ""},
		"method alone":      {unaryMethod, "write", codes.PermissionDenied, ""},
		"both":              {unaryMethod, "read write", codes.OK, "ada"},
		"nothing":           {unaryMethod, "", codes.Unauthenticated, ""},
	} {
		var kv []string
		if test.scopes != "" {
			kv = bearer(issuer.Token(verifiertest.Claims{"sub": "ada", "scp": test.scopes}))
		}
		got := call(t.Context(), conn, test.method, kv...)
		if status.Code(got.err) != test.code || got.reply != test.reply {
			t.Errorf("%s: %v, %q", what, got.err, got.reply)
		}
	}
}

func TestNothingIsExemptUnlessListed(t *testing.T) {
	g := newGuard(t, verifiertest.NewIssuer(t))
	for what, test := range map[string]struct {
		rules []grpcauth.Rule
		want  codes.Code
	}{
		"without a rule": {nil, codes.Unauthenticated},
		"exempt":         {[]grpcauth.Rule{grpcauth.ExemptHealth()}, codes.OK},
	} {
		conn := dial(t, serve(t, withHealth{greeter}, interceptors(g, test.rules...)...))
		client := healthpb.NewHealthClient(conn)
		_, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{})
		if status.Code(err) != test.want {
			t.Errorf("%s: Check: %v", what, err)
		}
		watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{})
		if err == nil {
			_, err = watch.Recv()
		}
		if status.Code(err) != test.want {
			t.Errorf("%s: Watch: %v", what, err)
		}
	}
}

func TestContradictingRulesRefuseEverything(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	for what, rules := range map[string][]grpcauth.Rule{
		"Method twice":      {grpcauth.Method(unaryMethod), grpcauth.Method(unaryMethod), grpcauth.Exempt(streamMethod)},
		"Exempt and Method": {grpcauth.Exempt(unaryMethod, streamMethod), grpcauth.Method(unaryMethod)},
		"zero Rule":         {{}},
	} {
		conn := dial(t, serve(t, greeter, interceptors(newGuard(t, issuer), rules...)...))
		for _, method := range methods {
			got := call(t.Context(), conn, method, bearer(issuer.Token())...)
			if status.Code(got.err) != codes.Internal || got.reason(t) != "MISCONFIGURED" {
				t.Errorf("%s: %v", what, got.err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	server := grpc.NewServer()
	withHealth{greeter}.register(server)
	for what, test := range map[string]struct {
		rules []grpcauth.Rule
		want  string
	}{
		"good":          {[]grpcauth.Rule{grpcauth.Method(unaryMethod), grpcauth.Exempt(streamMethod), grpcauth.ExemptHealth(), grpcauth.ExemptReflection()}, ""},
		"slip":          {[]grpcauth.Rule{grpcauth.Method("/test.v1.Test/Unari")}, "/test.v1.Test/Unari"},
		"contradiction": {[]grpcauth.Rule{grpcauth.Method(unaryMethod), grpcauth.Exempt(unaryMethod)}, unaryMethod},
	} {
		err := grpcauth.Check(server, test.rules...)
		if (err != nil) != (test.want != "") || err != nil && (!errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
