package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/keychorus/keychorus/examples/grpc/books"
	"github.com/keychorus/keychorus/examples/grpc/books/booksconnect"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// call calls the API as good and bad callers do, over two protocols.
func call(ctx context.Context, out io.Writer, issuer *devissuer.Issuer, base string) error {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	right, all := 0, 0
	for _, protocol := range []struct {
		name   string
		option connecthttp.Option
	}{{"Connect", connecthttp.WithProtoJSON()}, {"gRPC", connecthttp.WithGRPC()}} {
		api := booksconnect.NewBooksClient(connect.NewClient(connecthttp.NewTransport(client, base, protocol.option)))
		_, _ = fmt.Fprintf(out, "over %s\n", protocol.name)
		for _, c := range callsOf(api) {
			ok, err := c.try(ctx, out, issuer)
			if err != nil {
				return err
			}
			all++
			if ok {
				right++
			}
		}
	}
	_, _ = fmt.Fprintf(out, "%d of %d answers as expected.\n", right, all)
	if right < all {
		return errors.New("an answer was not as expected")
	}
	return nil
}

type apiCall struct {
	name   string
	call   func(context.Context) error
	claims devissuer.Claims // nil: no token
	want   connect.Code     // 0: none
}

func callsOf(api booksconnect.BooksClient) []apiCall {
	list := func(ctx context.Context) error {
		_, err := api.List(ctx, &emptypb.Empty{})
		return err
	}
	add := func(ctx context.Context) error {
		_, err := api.Add(ctx, &books.Book{Title: "Roadside Picnic"})
		return err
	}
	watch := func(ctx context.Context) error {
		stream, err := api.Watch(ctx, &emptypb.Empty{})
		for err == nil {
			_, err = stream.Receive()
		}
		return err
	}
	reader := devissuer.Claims{"sub": "ada", "scp": "read:books"}
	short := devissuer.Claims{"sub": "ada", "exp": devissuer.FromNow(3 * time.Second)}
	return []apiCall{
		{"List without a token", list, nil, connect.CodeUnauthenticated},
		{"List", list, reader, 0},
		{"List, token has expired", list, devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)}, connect.CodeUnauthenticated},
		{"Add without the scope", add, reader, connect.CodePermissionDenied},
		{"Add", add, devissuer.Claims{"sub": "ada", "scp": "write:books"}, 0},
		{"Watch until the token expires", watch, short, connect.CodeUnauthenticated},
	}
}

func (c apiCall) try(ctx context.Context, out io.Writer, issuer *devissuer.Issuer) (ok bool, err error) {
	ctx, info := connect.NewClientContext(ctx)
	if c.claims != nil {
		token, err := issuer.Mint(c.claims)
		if err != nil {
			return false, err
		}
		info.RequestHeader().Set("Authorization", "Bearer "+token)
	}
	got := c.call(ctx)
	mark, code := "✗", "ok"
	if ok = c.want == 0; got != nil {
		ok, code = connect.CodeOf(got) == c.want, connect.CodeOf(got).String()
	}
	if ok {
		mark = "✓"
	}
	challenges := info.ResponseHeader().Values("WWW-Authenticate")
	line := fmt.Sprintf("%s %-30s %-17s %s", mark, c.name, code, strings.Join(challenges, ", "))
	_, err = fmt.Fprintln(out, strings.TrimRight(line, " "))
	return ok, err
}
