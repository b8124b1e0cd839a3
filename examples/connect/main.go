package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/keychorus/keychorus/adapters/connectauth"
	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/examples/grpc/books"
	"github.com/keychorus/keychorus/examples/grpc/books/booksconnect"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "connect:", err)
		os.Exit(1)
	}
}

// newAPI is the whole API: one interceptor, and what the procedures require.
func newAPI(g *guard.Guard) (http.Handler, error) {
	rules := []connectauth.Rule{connectauth.Method(booksconnect.BooksAddProcedure, verifier.Scopes("write:books"))}
	server := connect.NewServer(connectauth.Protect(g, rules...))
	booksconnect.RegisterBooksHandler(server, shop{})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	return mux, connectauth.Check(server, rules...)
}

type shop struct{}

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
func (shop) Watch(ctx context.Context, _ *emptypb.Empty, stream booksconnect.BooksWatchServerStream) error {
	if err := stream.Send(&books.Book{Title: "Solaris"}); err != nil {
		return err
	}
	<-ctx.Done()
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
	api, err := newAPI(g)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// Without TLS, HTTP/2 has to be asked for; streams in two directions need it.
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	err = errors.Join(call(ctx, out, issuer, "http://"+listener.Addr().String()), server.Close())
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
