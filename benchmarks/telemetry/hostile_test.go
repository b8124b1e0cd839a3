package telemetry_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const (
	// mark is in every claim and header that an attacker can choose.
	mark = "h0st1le"
	many = 100_000
)

// hostileTokens yields n tokens, each different, of every kind that costs nothing to make, and
// every thousandth signed by the issuer.
func hostileTokens(tb testing.TB, b *bench, n int) func(yield func(string) bool) {
	tb.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	compact := func(header, payload string) string {
		return b64([]byte(header)) + "." + b64([]byte(payload)) + "." + b64(make([]byte, 64))
	}
	return func(yield func(string) bool) {
		rnd := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			id := fmt.Sprintf("%s-%d", mark, i)
			exp := time.Now().Add(time.Hour).Unix()
			payload := fmt.Sprintf(`{"iss":%q,"aud":%q,"exp":%d,"sub":%q,"jti":%q}`, issuerURL, audience, exp, id, id)
			var token string
			switch kind := rnd.IntN(400); {
			case kind == 0: // these two reach the signature
				token = compact(fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, b.issuer.Key().ID()), payload)
			case kind == 1:
				token = compact(fmt.Sprintf(`{"alg":"EdDSA",%q:1}`, id), payload)
			case kind < 5:
				token = compact(`{"alg":"EdDSA"}`, strings.Replace(payload, issuerURL, "https://"+id+".example.test", 1))
			case kind < 100:
				token = id
			case kind < 200:
				token = compact(fmt.Sprintf(`{"alg":%q}`, id), payload)
			case kind < 250:
				token = compact(fmt.Sprintf(`{"alg":"EdDSA","typ":%q}`, id), payload)
			case kind < 350:
				token = compact(fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, id), payload)
			default:
				token = compact(`{"alg":"RS256"}`, `{"iss":"`+id)
			}
			if i%1000 == 0 {
				token = b.token(tb, devissuer.Claims{
					"sub": id, "jti": id, "aud": []string{audience, id}[:1+i/1000%2], "nonsense": id, "azp": id,
				})
			}
			if !yield(token) {
				return
			}
		}
	}
}

// hospitable is a verifier with everything that a token can reach.
func hospitable(tb testing.TB) *bench {
	tb.Helper()
	keys := foreignKeys(tb)
	return newBench(tb, func(p *verifier.Policy) { p.Keys.MaxDynamicSources = 10 }, verifier.WithTokenCache(1000),
		verifier.WithIssuerResolver(func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
			if len(iss)%2 == 0 {
				return verifier.Issuer{}, false, errors.New("a bad day for " + iss)
			}
			return verifier.Issuer{URL: iss, StaticJWKS: keys}, true, nil
		}))
}

// However many tokens arrive and whatever they say, the series stay few, and nothing that they
// say is in a series or a span.
func TestHostileTokensMakeNoSeriesAndLeaveNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hospitable(t)
		n, kid := 0, b.issuer.Key().ID()
		for token := range hostileTokens(t, b, many) {
			if n++; n%500 == 0 { // a span of each verification would fill the memory
				_, _ = b.request(t.Context(), token)
			} else {
				_, _ = b.Verify(t.Context(), token)
			}
		}
		time.Sleep(time.Minute)
		for _, s := range b.spans.Ended() {
			search(t, s, kid)
		}
		for name, m := range b.collect(t) {
			all := series(t, m)
			if len(all) > 200 {
				t.Errorf("%s has %d series", name, len(all))
			}
			total := 0.0
			for set, v := range all {
				total += v
				if strings.Contains(set, mark) || strings.Contains(set, kid) || strings.Contains(set, audience) {
					t.Errorf("%s has the series %s", name, set)
				}
			}
			if name == "keychorus.verify.duration" {
				t.Logf("%d series of %d verifications: %v", len(all), int(total), slices.Sorted(maps.Keys(all)))
				if len(all) < 8 || int(total) != many {
					t.Errorf("%d verifications are in %d series", int(total), len(all))
				}
			}
		}
	})
}

// search looks through all that a span holds.
func search(t *testing.T, s sdktrace.ReadOnlySpan, kid string) {
	t.Helper()
	all := fmt.Sprintf("%s %v %v", s.Name(), s.Status(), s.Events())
	for _, kv := range s.Attributes() {
		all += " " + string(kv.Key) + "=" + kv.Value.String()
	}
	for _, l := range s.Links() {
		all += " " + text(l.Attributes)
	}
	for _, secret := range []string{mark, kid, audience} {
		if strings.Contains(all, secret) {
			t.Errorf("a span holds %s", all)
		}
	}
}

// The search finds what it looks for.
func TestTheSearchBites(t *testing.T) {
	b := newBench(t, nil)
	_, span := b.tracers.Tracer("x").Start(t.Context(), "y")
	span.SetAttributes(attribute.String("sub", mark))
	span.End()
	found := &testing.T{}
	search(found, b.spans.Ended()[0], "kid")
	if !found.Failed() {
		t.Error("a claim in a span is not found")
	}
}

// Measurements below a sampled span are its exemplars.
func TestMeasurementsHaveExemplars(t *testing.T) {
	b := newBench(t, nil)
	request, err := b.request(t.Context(), b.token(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	d, ok := b.collect(t)["keychorus.verify.duration"].Data.(metricdata.Histogram[float64])
	if !ok || len(d.DataPoints) != 1 || len(d.DataPoints[0].Exemplars) != 1 {
		t.Fatalf("no exemplar in %+v", d)
	}
	want := request.SpanContext().TraceID()
	if got := d.DataPoints[0].Exemplars[0].TraceID; string(got) != string(want[:]) {
		t.Errorf("the exemplar has trace %x, want %x", got, want)
	}
	if d.DataPoints[0].Bounds[0] != 5e-7 {
		t.Errorf("the bounds are %v", d.DataPoints[0].Bounds)
	}
}

// What a view drops costs nothing, and does not disturb the rest.
func TestAViewDropsAnInstrument(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(sdkmetric.NewView(
		sdkmetric.Instrument{Name: "keychorus.verify.duration", Scope: scope()}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}})))
	b := newBench(t, nil, verifier.WithMeterProvider(meters))
	if _, err := b.Verify(t.Context(), b.token(t, nil)); err != nil {
		t.Fatal(err)
	}
	b.metrics = reader
	got := b.collect(t)
	if _, ok := got["keychorus.verify.duration"]; ok {
		t.Error("it is measured")
	}
	if n := series(t, got["keychorus.keys.count"])["keychorus.issuer="+issuerURL]; n != 1 {
		t.Errorf("%v keys are counted, want 1", n)
	}
}
