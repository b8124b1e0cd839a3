package collector_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/examples/collector"
	"github.com/keychorus/keychorus/examples/telemetry"
)

// exporting starts a receiver and has this program export to it as an instance.
func exporting(t *testing.T, instance string) (*collector.Receiver, *telemetry.Signals) {
	t.Helper()
	r, err := collector.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if instance != "" {
		t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id="+instance)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL())
	signals, err := telemetry.FromEnv(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return r, signals
}

// Also one that is closed before its server had a chance to run.
func TestAReceiverCanBeClosedAtOnce(t *testing.T) {
	for range 200 {
		r, err := collector.Start()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSignalsAreKeptByInstance(t *testing.T) {
	for _, instance := range []string{"", "one"} {
		t.Run(instance, func(t *testing.T) {
			r, signals := exporting(t, instance)
			ctx, parent := otel.Tracer("test").Start(t.Context(), "parent")
			_, cause := otel.Tracer("test").Start(context.Background(), "cause")
			_, child := otel.Tracer("test").Start(ctx, "child", trace.WithLinks(trace.LinkFromContext(trace.ContextWithSpan(ctx, cause))))
			counter, err := otel.Meter("test").Int64Counter("things")
			if err != nil {
				t.Fatal(err)
			}
			counter.Add(ctx, 3)
			child.End()
			parent.End()
			cause.End()
			if err := signals.Shutdown(); err != nil {
				t.Fatal(err)
			}
			got := r.Of(instance)
			if names := collector.Names(got.Below(nil)); !slices.Equal(names, []string{"parent", "cause"}) {
				t.Fatalf("roots are %q", names)
			}
			below := got.Below(got.Below(nil)[0])
			if names := collector.Names(below); !slices.Equal(names, []string{"child"}) {
				t.Fatalf("below the parent are %q", names)
			}
			if linked := got.Linked(below[0]); linked.GetName() != "cause" {
				t.Errorf("the child links to %v", linked)
			}
			if linked := got.Linked(got.Below(nil)[0]); linked != nil {
				t.Errorf("the parent links to %v", linked)
			}
			if n := got.Metrics["things"].GetSum().GetDataPoints()[0].GetAsInt(); n != 3 {
				t.Errorf("%d things were counted, want 3", n)
			}
			if other := r.Of("other"); len(other.Spans)+len(other.Metrics) > 0 {
				t.Errorf("another instance has sent %v", other)
			}
		})
	}
}

// token is made up of parts that are nowhere else.
const token = "eyJhbGciOiJub25lIiwia2lkIjoidGhlLWtleSEhIn0." +
	"eyJzdWIiOiJ0aGUtcmVhZGVyIiwianRpIjoidGhlLXRva2VuIiwiYXVkIjpbInRoZS1hcGktb25lIiwidGhlLWFwaS10d28iXX0." +
	"c2lnbmF0dXJlLXNpZ25hdHVyZQ"

// Whatever is planted in what is exported is found in the bytes that arrive, and nothing else.
func TestWhatIsToldIsFound(t *testing.T) {
	segments := strings.Split(token, ".")
	for name, tt := range map[string]struct {
		planted string
		want    []string
	}{
		"nothing":             {"keychorus", nil},
		"the token":           {token, []string{"a header", "a payload", "a signature"}},
		"a segment":           {segments[1], []string{"a payload"}},
		"the end of one":      {segments[2][len(segments[2])-12:], []string{"a signature"}},
		"the middle of one":   {"…" + segments[1][7:19] + "…", []string{"a payload"}},
		"less than is unique": {segments[1][7:18], nil},
		"the sub":             {"for the-reader", []string{"a sub"}},
		"the jti":             {"the-token", []string{"a jti"}},
		"the kid":             {"by the-key!!", []string{"a kid"}},
		"one of the aud":      {"the-api-two", []string{"a aud"}},
	} {
		t.Run(name, func(t *testing.T) {
			var secrets collector.Secrets
			if err := secrets.Token(token); err != nil {
				t.Fatal(err)
			}
			r, signals := exporting(t, "")
			_, span := otel.Tracer("test").Start(t.Context(), "request")
			span.SetAttributes(attribute.String("planted", tt.planted))
			span.End()
			if err := signals.Shutdown(); err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, payload := range r.Payloads() {
				found = append(found, secrets.In(payload)...)
			}
			if len(r.Payloads()) == 0 || !slices.Equal(found, tt.want) {
				t.Errorf("%d messages tell %q, want %q", len(r.Payloads()), found, tt.want)
			}
		})
	}
}

func TestWhatCannotBeSearchedForIsAnError(t *testing.T) {
	for _, compact := range []string{"", "short", "eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJlLXNpZ25hdHVyZQ", "eyJraWQiOiJrIiwiYWxnIjoibm9uZSJ9.eyJzdWIiOiJ0aGUtcmVhZGVyIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"} {
		var secrets collector.Secrets
		if err := secrets.Token(compact); err == nil {
			t.Errorf("%q is searched for", compact)
		}
	}
	var secrets collector.Secrets
	if err := secrets.Value("a secret", "secret"); err == nil {
		t.Error("a value of 6 characters is searched for")
	}
	if kinds := secrets.Kinds(); len(kinds) > 0 {
		t.Errorf("there are %q", kinds)
	}
	if err := secrets.Token("an-opaque-token"); err != nil || fmt.Sprint(secrets.In([]byte("{an-opaque-token}"))) != "[a token]" {
		t.Errorf("an opaque token is not found: %v", err)
	}
}
