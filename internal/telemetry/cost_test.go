package telemetry_test

import (
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/telemetry"
)

// BenchmarkVerification is what telemetry adds to one verification.
func BenchmarkVerification(b *testing.B) {
	for name, o := range map[string]telemetry.Options{
		"no provider": {Algorithms: []string{"RS256"}},
		"enabled":     {Algorithms: []string{"RS256"}, MeterProvider: discard{}},
	} {
		b.Run(name, func(b *testing.B) {
			t := telemetry.New(o)
			ctx, arrived := b.Context(), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				inner, span := t.StartVerify(ctx)
				if t.Listening(inner, span, telemetry.Token) {
					t.Verified(inner, span, arrived, telemetry.Verification{Algorithm: "RS256"})
				}
			}
		})
	}
}
