package verifier_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

// A refusal allocates no more for hostile input than for an ordinary refusal of that size.
func TestHostilePayloadAllocations(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	var wide strings.Builder
	wide.WriteString(`{"iss":"` + issuerURL + `"`)
	for i := wide.Len(); i < 11_000; i = wide.Len() {
		fmt.Fprintf(&wide, `,"%x":0`, i)
	}
	wide.WriteString("}")
	tokens := map[string]string{
		"ordinary": sign(t, goodHeader(), with(goodClaims(), object{"x": strings.Repeat("x", 10_000)})),
		"wide":     sign(t, goodHeader(), wide.String()),
		"deep":     sign(t, goodHeader(), `{"x":`+strings.Repeat("[", 5500)+strings.Repeat("]", 5500)+"}"),
		"escapes":  sign(t, goodHeader(), `{"iss":"`+strings.Repeat(`\u0061`, 1800)+`"}`),
		"capitals": sign(t, goodHeader(), `{"`+strings.Repeat("A", 10_000)+`":0}`),
	}
	cost := func(token string) float64 {
		return testing.AllocsPerRun(20, func() { _, _ = v.Verify(t.Context(), token[:len(token)-1]+"_") })
	}
	most := 2 * max(cost(tokens["ordinary"]), 25)
	for name, token := range tokens {
		if n := cost(token); n > most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, most)
		}
	}
	wantReason(t, v, tokens["deep"], verifier.ReasonMalformed)
}

func BenchmarkRefuse(b *testing.B) {
	v := newVerifier(b, goodPolicy())
	var wide strings.Builder
	wide.WriteString(`{"iss":"x"`)
	for i := wide.Len(); i < 11_000; i = wide.Len() {
		fmt.Fprintf(&wide, `,"%x":0`, i)
	}
	for name, payload := range map[string]any{
		"ordinary": with(goodClaims(), object{"iss": "x", "x": strings.Repeat("x", 10_000)}), "wide": wide.String() + "}",
	} {
		token := sign(b, goodHeader(), payload)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = v.Verify(b.Context(), token)
			}
		})
	}
}

// Hostile tokens leave nothing behind.
func TestHostileTokensLeaveTheHeapFlat(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	good := sign(t, goodHeader(), goodClaims())
	refuse := func(n int) {
		for i := range n {
			at := i % len(good)
			token := good[:at] + string('A'+rune(i%26)) + good[at+1:]
			if _, err := v.Verify(t.Context(), token); err == nil && token != good {
				t.Fatalf("%q was accepted", token)
			}
		}
	}
	refuse(1000)
	before := heapBytes()
	refuse(20_000)
	if grown := int64(heapBytes()) - int64(before); grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
