package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/keychorus/keychorus/examples/telemetry"
	"github.com/keychorus/keychorus/verifier"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bookstore:", err)
		os.Exit(1)
	}
}

type settings struct{ api, page, issuer, web string }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bookstore", flag.ContinueOnError)
	var at settings
	flags.StringVar(&at.api, "api", "127.0.0.1:8080", "address of the API")
	flags.StringVar(&at.page, "page", "127.0.0.1:8081", "address of the page")
	flags.StringVar(&at.issuer, "issuer", "127.0.0.1:8082", "loopback address of the development issuer")
	flags.StringVar(&at.web, "web", "", "`folder` of the built React page, to serve instead of the one within")
	demo := flags.Bool("demo", false, "walk through good and bad requests, and end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *demo {
		return walk(ctx, out)
	}
	return serve(ctx, at, out)
}

// serve runs everything until ctx ends.
func serve(ctx context.Context, at settings, out io.Writer) (err error) {
	trust, err := trustFromEnv()
	if err != nil {
		return err
	}
	front, err := newSite(at.web, trust)
	if err != nil {
		return err
	}
	page, err := open(at.page)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.close()) }()
	origins := append(page.origins(), trust.origins...)
	if trust.development {
		issuer, err := startIssuer(at.issuer, origins)
		if err != nil {
			return err
		}
		defer func() { _ = issuer.close() }()
		if trust.policy, err = issuer.policy(); err != nil {
			return err
		}
		front.Mint = issuer.url + mintPath
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	signals, err := telemetry.FromEnv(ctx, "bookstore")
	if err != nil {
		return err
	}
	defer func() {
		if err := signals.Shutdown(); err != nil { // the API was not harmed
			logger.Warn("not everything that was recorded could be exported", "error", err)
		}
	}()
	v, err := verifier.New(trust.policy, verifier.WithLogger(logger))
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	handler, err := newAPI(v, origins)
	if err != nil {
		return err
	}
	api, err := open(at.api) // closed before the verifier, so that no request finds that closed
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.close()) }()
	api.serve(telemetry.Handler(logged(logger, handler)))
	front.API = api.url
	page.serve(front.handler())
	announce(out, api.url, page.url, front.Mint, trust.policy.Issuers[0].URL)
	go func() {
		// Ahead of the first request. Not needed to start: an issuer that is down now is
		// asked again when tokens come.
		if err := v.Warm(ctx); err != nil && ctx.Err() == nil {
			logger.Warn("the keys could not be fetched yet", "error", err)
		}
	}()
	<-ctx.Done()
	return nil
}

func announce(out io.Writer, api, page, mintURL, issuer string) {
	if mintURL != "" {
		_, _ = fmt.Fprintf(out, `The issuer here is a DEVELOPMENT ISSUER, NOT FOR PRODUCTION: it gives a token to anyone on this machine.

  page   %s
  call   curl -i %s/books -H "Authorization: Bearer $(curl -s -X POST '%s?kind=writer')"

`, page, api, mintURL)
	}
	// One line for programs; it says that the sockets are open.
	_, _ = fmt.Fprintf(out, "listening api=%s page=%s issuer=%s\n", api, page, issuer)
}

// loopback tells whether only this machine can reach addr.
func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
