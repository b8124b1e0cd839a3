package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/keychorus/keychorus/adapters/grpcauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/examples/grpc/books"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}

// newAPI is the whole API: both interceptors, and what the methods require.
func newAPI(g *guard.Guard) (*grpc.Server, error) {
	rules := []grpcauth.Rule{
		grpcauth.Method(books.Books_Add_FullMethodName, verifier.Scopes("write:books")),
		grpcauth.ExemptHealth(),
	}
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(grpcauth.Unary(g, rules...)),
		grpc.ChainStreamInterceptor(grpcauth.Stream(g, rules...)),
	)
	books.RegisterBooksServer(server, shop{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	return server, grpcauth.Check(server, rules...)
}

type shop struct {
	books.UnimplementedBooksServer
}

// List names its reader.
func (shop) List(ctx context.Context, _ *emptypb.Empty) (*books.Shelf, error) {
	token, _ := verifier.TokenFromContext(ctx)
	return &books.Shelf{Books: []*books.Book{{Title: "The Dispossessed, read by " + token.Subject()}}}, nil
}

// Add adds a book.
func (shop) Add(_ context.Context, b *books.Book) (*books.Shelf, error) {
	return &books.Shelf{Books: []*books.Book{b}}, nil
}

// Watch waits for books that never come; its context ends with the token.
func (shop) Watch(_ *emptypb.Empty, stream grpc.ServerStreamingServer[books.Book]) error {
	if err := stream.Send(&books.Book{Title: "Solaris"}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func run(ctx context.Context, out io.Writer) (err error) {
	const audience = "https://api.books.example"
	// In a program of yours the policy names your issuer, and its keys are fetched.
	issuer, err := devissuer.New("https://issuer.example", devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(audience))
	if err != nil {
		return err
	}
	v, err := verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}}, Audiences: []string{audience},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	g, err := guard.New(v, guard.WithRealm("books"))
	if err != nil {
		return err
	}
	server, err := newAPI(g)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	err = call(ctx, out, issuer, listener.Addr().String())
	server.Stop()
	return errors.Join(err, <-ended)
}
