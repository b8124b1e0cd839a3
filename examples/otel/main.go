package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	prometheusexporter "go.opentelemetry.io/otel/exporters/prometheus"
)

// between is how long the issuer is left alone between rounds: longer than the gate stays shut
// after an attempt that failed.
const between = 3 * time.Second

func main() {
	metrics := flag.String("metrics", "", "serve metrics for Prometheus at this `address`, until interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *metrics != "" {
		err = serve(ctx, os.Stdout, *metrics)
	} else {
		err = show(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

// show calls the API once as everybody does, and prints what arrived at the receiver.
func show(ctx context.Context, out io.Writer) (err error) {
	r, err := receive()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	signals, err := export(ctx, r.addr)
	if err != nil {
		return err
	}
	s, err := open()
	if err != nil {
		return errors.Join(err, signals.shutdown())
	}
	err = s.round(ctx, out)
	err = errors.Join(err, signals.flush(ctx), s.close(), signals.shutdown())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out)
	r.printSpans(out)
	_, _ = fmt.Fprintln(out)
	r.printMetrics(out)
	return errors.Join(r.missing(), r.tells(s.confidential()))
}

// serve lets Prometheus scrape, and calls the API in rounds.
func serve(ctx context.Context, out io.Writer, addr string) (err error) {
	registry := prometheus.NewRegistry()
	exporter, err := prometheusexporter.New(prometheusexporter.WithRegisterer(registry))
	if err != nil {
		return err
	}
	signals := scraped(exporter)
	defer func() { err = errors.Join(err, signals.shutdown()) }()
	page, err := listen(addr, promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.close()) }()
	s, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	_, _ = fmt.Fprintf(out, "metrics=%s/metrics\n", page.url)
	for {
		// Rounds on a busy machine may get into each other's way; the next one is another try.
		if err := s.round(ctx, io.Discard); err != nil && !errors.Is(err, errAnswer) && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(between):
		}
	}
}
