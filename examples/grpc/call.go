package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/keychorus/keychorus/examples/grpc/books"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// call calls the API as good and bad callers do.
func call(ctx context.Context, out io.Writer, issuer *devissuer.Issuer, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	api := books.NewBooksClient(conn)
	list := func(ctx context.Context, header *metadata.MD) error {
		_, err := api.List(ctx, &emptypb.Empty{}, grpc.Header(header))
		return err
	}
	add := func(ctx context.Context, header *metadata.MD) error {
		_, err := api.Add(ctx, &books.Book{Title: "Roadside Picnic"}, grpc.Header(header))
		return err
	}
	probe := func(ctx context.Context, header *metadata.MD) error {
		_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Header(header))
		return err
	}
	watch := func(ctx context.Context, _ *metadata.MD) error {
		stream, err := api.Watch(ctx, &emptypb.Empty{})
		for err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	reader := devissuer.Claims{"sub": "ada", "scp": "read:books"}
	short := devissuer.Claims{"sub": "ada", "exp": devissuer.FromNow(3 * time.Second)}
	wrong, calls := 0, []struct {
		name   string
		call   func(context.Context, *metadata.MD) error
		claims devissuer.Claims // nil: no token
		want   codes.Code
	}{
		{"probe without a token", probe, nil, codes.OK},
		{"List without a token", list, nil, codes.Unauthenticated},
		{"List", list, reader, codes.OK},
		{"List, token has expired", list, devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)}, codes.Unauthenticated},
		{"Add without the scope", add, reader, codes.PermissionDenied},
		{"Add", add, devissuer.Claims{"sub": "ada", "scp": "write:books"}, codes.OK},
		{"Watch until the token expires", watch, short, codes.Unauthenticated},
	}
	for _, c := range calls {
		callCtx := ctx
		if c.claims != nil {
			token, err := issuer.Mint(c.claims)
			if err != nil {
				return err
			}
			callCtx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		var header metadata.MD
		got := status.Convert(c.call(callCtx, &header))
		mark := "✓"
		if got.Code() != c.want {
			mark, wrong = "✗", wrong+1
		}
		line := fmt.Sprintf("%s %-30s %-17s %s", mark, c.name, got.Code(), strings.Join(header.Get("www-authenticate"), ", "))
		_, _ = fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
	_, _ = fmt.Fprintf(out, "%d of %d answers as expected.\n", len(calls)-wrong, len(calls))
	if wrong > 0 {
		return errors.New("an answer was not as expected")
	}
	return nil
}
