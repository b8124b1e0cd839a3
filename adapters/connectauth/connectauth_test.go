package connectauth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/connectauth"
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

// greet answers with the subject of the token, or "nobody".
func greet(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
	if err := stream.Receive(&emptypb.Empty{}); err != nil {
		return err
	}
	name := "nobody"
	if token, ok := verifier.TokenFromContext(ctx); ok {
		name = token.Subject()
	}
	return stream.Send(wrapperspb.String(name))
}

// clients of one server, for each protocol.
func clients(tb testing.TB, handler connect.ServerFunc, interceptors ...connect.ServerInterceptor) map[string]*connect.Client {
	tb.Helper()
	base, client := serve(tb, handler, interceptors...)
	return map[string]*connect.Client{
		"connect":  connect.NewClient(connecthttp.NewTransport(client, base)),
		"grpc":     connect.NewClient(connecthttp.NewTransport(client, base, connecthttp.WithGRPC())),
		"grpc-web": connect.NewClient(connecthttp.NewTransport(client, base, connecthttp.WithGRPCWeb())),
	}
}

func bearer(tokens ...string) http.Header {
	h := http.Header{}
	for _, token := range tokens {
		h.Add("Authorization", "Bearer "+token)
	}
	return h
}

var specs = []connect.Spec{unary, stream}

func TestRefusal(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	g := newGuard(t, issuer, guard.WithRealm("books"))
	const bare, invalid = `Bearer realm="books"`, `Bearer realm="books", error="invalid_token", error_description="`
	for protocol, client := range clients(t, greet, connectauth.Protect(g, connectauth.All(verifier.Scopes("admin")))) {
		for what, test := range map[string]struct {
			header    http.Header
			code      connect.Code
			reason    verifier.Reason
			challenge string
		}{
			"no token":         {nil, connect.CodeUnauthenticated, verifier.ReasonNoCredentials, bare},
			"binary field":     {http.Header{"Authorization-Bin": {"Bearer " + issuer.Token()}}, connect.CodeUnauthenticated, verifier.ReasonNoCredentials, bare},
			"two tokens":       {bearer(issuer.Token(), "x"), connect.CodeInvalidArgument, verifier.ReasonMultipleCredentials, bare + `, error="invalid_request"`},
			"placeholder":      {bearer("undefined"), connect.CodeUnauthenticated, verifier.ReasonPlaceholder, invalid},
			"no admin":         {bearer(issuer.Token()), connect.CodePermissionDenied, verifier.ReasonScope, bare + `, error="insufficient_scope"`},
			"another audience": {bearer(issuer.Token(verifiertest.Claims{"aud": "x"})), connect.CodeUnauthenticated, verifier.ReasonAudience, invalid},
		} {
			for _, spec := range specs {
				got := call(t.Context(), client, spec, test.header)
				if got.err.Code() != test.code || got.err.Message() != test.reason.Description() ||
					got.reason() != upper(test.reason) {
					t.Errorf("%s, %s: %v, %s", protocol, what, got.err, got.reason())
				}
				challenges := got.fields("WWW-Authenticate")
				if len(challenges) != 1 || !strings.HasPrefix(challenges[0], test.challenge) {
					t.Errorf("%s, %s: challenges %q, want one with %q", protocol, what, challenges, test.challenge)
				}
				if got := got.fields("Cache-Control"); !slices.Equal(got, []string{"no-store"}) {
					t.Errorf("%s, %s: Cache-Control %q", protocol, what, got)
				}
			}
		}
	}
}

// The Connect protocol is HTTP, so whatever speaks that understands a refusal.
func TestRefusalInHTTP(t *testing.T) {
	base, client := serve(t, greet, connectauth.Protect(newGuard(t, verifiertest.NewIssuer(t))))
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+unary.Procedure, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != `Bearer realm="api"` ||
		resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s with %v", resp.Status, resp.Header)
	}
}

func TestKeysAreNotAvailable(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	issuer.Fail(http.StatusBadGateway)
	for protocol, client := range clients(t, greet, connectauth.Protect(newGuard(t, issuer))) {
		for _, spec := range specs {
			got := call(t.Context(), client, spec, bearer(issuer.Token()))
			if got.err.Code() != connect.CodeUnavailable || got.reason() != "KEYS_UNAVAILABLE" || len(got.fields("WWW-Authenticate")) != 0 {
				t.Errorf("%s: %v with %q", protocol, got.err, got.fields("WWW-Authenticate"))
			}
			retry := slices.IndexFunc(got.err.Details(), func(detail *connect.ErrorDetail) bool {
				message, _ := connectproto.UnmarshalErrorDetail(detail)
				info, ok := message.(*errdetails.RetryInfo)
				return ok && info.GetRetryDelay().AsDuration().Seconds() >= 1
			})
			if after := got.fields("Retry-After"); retry < 0 || len(after) != 1 || after[0] == "0" {
				t.Errorf("%s: no RetryInfo, or Retry-After %q", protocol, after)
			}
		}
	}
}

func TestMethodAndExempt(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	client := clients(t, greet, connectauth.Protect(newGuard(t, issuer), connectauth.Exempt(stream.Procedure),
		connectauth.Method(unary.Procedure, verifier.Scopes("write")), connectauth.All(verifier.Scopes("read"))))["connect"]
	for what, test := range map[string]struct {
		spec   connect.Spec
		scopes string       // none: no token
		code   connect.Code // 0: none
		reply  string
	}{
		"exempt":            {stream, "", 0, "nobody"},
		"exempt with token": {stream, "read", 0, "nobody"},
		"all alone":         {unary, "read", connect.CodePermissionDenied, ""},
		"method alone":      {unary, "write", connect.CodePermissionDenied, ""},
		"both":              {unary, "read write", 0, "ada"},
		"nothing":           {unary, "", connect.CodeUnauthenticated, ""},
	} {
		var header http.Header
		if test.scopes != "" {
			header = bearer(issuer.Token(verifiertest.Claims{"sub": "ada", "scp": test.scopes}))
		}
		got := call(t.Context(), client, test.spec, header)
		if (got.err != nil) != (test.code != 0) || got.err != nil && got.err.Code() != test.code || got.reply != test.reply {
			t.Errorf("%s: %v, %q", what, got.err, got.reply)
		}
	}
}

func TestContradictingRulesRefuseEverything(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	for what, rules := range map[string][]connectauth.Rule{
		"Method twice":      {connectauth.Method(unary.Procedure), connectauth.Method(unary.Procedure), connectauth.Exempt(stream.Procedure)},
		"Exempt and Method": {connectauth.Exempt(unary.Procedure, stream.Procedure), connectauth.Method(unary.Procedure)},
		"zero Rule":         {{}},
	} {
		client := clients(t, greet, connectauth.Protect(newGuard(t, issuer), rules...))["connect"]
		for _, spec := range specs {
			if got := call(t.Context(), client, spec, bearer(issuer.Token())); got.err.Code() != connect.CodeInternal || got.reason() != "MISCONFIGURED" {
				t.Errorf("%s: %v", what, got.err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	server := connect.NewServer()
	server.Register(connect.Method{Spec: unary, Handler: greet}, connect.Method{Spec: stream, Handler: greet})
	for what, test := range map[string]struct {
		rules []connectauth.Rule
		want  string
	}{
		"good":          {[]connectauth.Rule{connectauth.Method(unary.Procedure), connectauth.Exempt(stream.Procedure), connectauth.ExemptHealth(), connectauth.ExemptReflection()}, ""},
		"slip":          {[]connectauth.Rule{connectauth.Method("/test.v1.Test/Unari")}, "/test.v1.Test/Unari"},
		"contradiction": {[]connectauth.Rule{connectauth.Method(unary.Procedure), connectauth.Exempt(unary.Procedure)}, unary.Procedure},
	} {
		err := connectauth.Check(server, test.rules...)
		if (err != nil) != (test.want != "") || err != nil && (!errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What nobody registered is guarded where something answers it.
func TestUnknownHandlerIsGuarded(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	server := connect.NewServer(connectauth.Protect(newGuard(t, issuer)))
	called := false
	server.SetUnknownHandler(func(context.Context, connect.Spec, connect.ServerStream) error { called = true; return nil })
	for _, name := range []string{"/test.v1.Test/Other", "test.v1.Test/Other", ""} {
		if err := server.Call(t.Context(), name, nil, nil); err == nil || called {
			t.Errorf("%q: %v, called %t", name, err, called)
		}
	}
}
