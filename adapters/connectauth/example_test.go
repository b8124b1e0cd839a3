package connectauth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/adapters/connectauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// Two procedures by hand stand for what protoc-gen-connect-go makes.
func ExampleProtect() {
	// In a program of yours the policy names your issuer and its keys are fetched.
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience("https://api.test"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}},
		Audiences: []string{"https://api.test"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	g, err := guard.New(v)
	if err != nil {
		log.Fatal(err)
	}

	list, add := connect.Spec{Procedure: "/shop.Books/List"}, connect.Spec{Procedure: "/shop.Books/Add"}
	hello := func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		token, _ := verifier.TokenFromContext(ctx)
		return stream.Send(wrapperspb.String("hello " + token.Subject()))
	}
	rules := []connectauth.Rule{connectauth.Method(add.Procedure, verifier.Scopes("write:books"))}
	server := connect.NewServer(connectauth.Protect(g, rules...))
	server.Register(connect.Method{Spec: list, Handler: hello}, connect.Method{Spec: add, Handler: hello})
	if err := connectauth.Check(server, rules...); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	api := httptest.NewServer(mux)
	defer api.Close()

	client := connect.NewClient(connecthttp.NewTransport(api.Client(), api.URL))
	token, err := issuer.Mint(devissuer.Claims{"sub": "grace"})
	if err != nil {
		log.Fatal(err)
	}
	for _, call := range []struct {
		spec  connect.Spec
		token string
	}{{list, token}, {add, token}, {list, ""}} {
		ctx, info := connect.NewClientContext(context.Background())
		if call.token != "" {
			info.RequestHeader().Set("Authorization", "Bearer "+call.token)
		}
		var reply wrapperspb.StringValue
		err := client.CallUnary(ctx, call.spec, &emptypb.Empty{}, &reply)
		fmt.Println(reply.GetValue(), err)
		fmt.Println(info.ResponseHeader().Get("WWW-Authenticate"))
	}
	// Output:
	// hello grace <nil>
	//
	//  permission_denied: the access token lacks a required scope
	// Bearer realm="api", error="insufficient_scope", error_description="the access token lacks a required scope", scope="write:books"
	//  unauthenticated: the request carries no access token
	// Bearer realm="api"
}
