package telemetry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/keychorus/keychorus/internal/telemetry"
)

// A verification that failed is told by its reason, and by nothing that the token says.
func Example() {
	r := newRecorder()
	t := telemetry.New(telemetry.Options{
		TracerProvider: r.tracerProvider(), MeterProvider: r.meterProvider(),
		Reasons: map[string]telemetry.Outcome{"expired": telemetry.Refused},
	})
	arrived := time.Now()
	ctx, span := t.StartVerify(context.Background())
	t.Verified(ctx, span, arrived, telemetry.Verification{Reason: "expired"})
	fmt.Println(r.series("keychorus.verify.duration"))
	// Output: [error.type=expired,keychorus.outcome=refused]
}
