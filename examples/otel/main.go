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

	"github.com/keychorus/keychorus/examples/collector"
	"github.com/keychorus/keychorus/examples/telemetry"
)

// service is who exports.
const service = "bookstore"

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
	r, err := collector.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	signals, err := telemetry.Export(ctx, service, r.URL())
	if err != nil {
		return err
	}
	s, err := open()
	if err != nil {
		return errors.Join(err, signals.Shutdown())
	}
	err = s.round(ctx, out)
	err = errors.Join(err, signals.Flush(ctx), s.close(), signals.Shutdown())
	if err != nil {
		return err
	}
	got := r.Of("")
	_, _ = fmt.Fprintln(out)
	printSpans(out, got)
	_, _ = fmt.Fprintln(out)
	printMetrics(out, got.Metrics)
	return errors.Join(missing(got), tells(r, &s.sent))
}

// serve lets Prometheus scrape, and calls the API in rounds.
func serve(ctx context.Context, out io.Writer, addr string) (err error) {
	registry := prometheus.NewRegistry()
	exporter, err := prometheusexporter.New(prometheusexporter.WithRegisterer(registry))
	if err != nil {
		return err
	}
	signals, err := telemetry.Measure(ctx, service, exporter)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, signals.Shutdown()) }()
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

// tells searches everything that was received for what must not be told.
func tells(r *collector.Receiver, secrets *collector.Secrets) error {
	var problems []error
	for _, payload := range r.Payloads() {
		for _, kind := range secrets.In(payload) {
			problems = append(problems, fmt.Errorf("%s was exported", kind))
		}
	}
	return errors.Join(problems...)
}
