package grpcauth_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/keychorus/keychorus/adapters/grpcauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// The health service stands for one of your own: nothing is exempt unless it is listed.
func Example() {
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

	rules := []grpcauth.Rule{grpcauth.Method("/grpc.health.v1.Health/List", verifier.Scopes("read:health"))}
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(grpcauth.Unary(g, rules...)),
		grpc.ChainStreamInterceptor(grpcauth.Stream(g, rules...)),
	)
	healthpb.RegisterHealthServer(server, health.NewServer())
	if err := grpcauth.Check(server, rules...); err != nil {
		log.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := healthpb.NewHealthClient(conn)
	token, err := issuer.Mint(nil)
	if err != nil {
		log.Fatal(err)
	}
	signedIn := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+token)
	_, err = client.Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(err)
	_, err = client.Check(signedIn, &healthpb.HealthCheckRequest{})
	fmt.Println(err)
	_, err = client.List(signedIn, &healthpb.HealthListRequest{})
	fmt.Println(err)
	// Output:
	// rpc error: code = Unauthenticated desc = the request carries no access token
	// <nil>
	// rpc error: code = PermissionDenied desc = the access token lacks a required scope
}
