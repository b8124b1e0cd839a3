package collector_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel"

	"github.com/keychorus/keychorus/examples/collector"
	"github.com/keychorus/keychorus/examples/telemetry"
)

// A program exports, and its spans arrive.
func Example() {
	r, err := collector.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	signals, err := telemetry.Export(context.Background(), "example", r.URL())
	if err != nil {
		log.Fatal(err)
	}
	_, span := otel.Tracer("example").Start(context.Background(), "GET /books")
	span.End()
	if err := signals.Shutdown(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(collector.Names(r.Of("").Spans))
	// Output: [GET /books]
}
