package jws

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// A header is refused by the length of its segment, before it is decoded, and at the same length
// as by that of its bytes.
func TestHeadersAreLimitedByTheirBytes(t *testing.T) {
	for n := 60; n < 70; n++ {
		header := `{"alg":"EdDSA","x":"` + strings.Repeat("x", n-22) + `"}`
		if len(header) != n {
			t.Fatalf("%d bytes, want %d", len(header), n)
		}
		token := base64.RawURLEncoding.EncodeToString([]byte(header)) + ".AA.AA"
		_, err := Parse(token, Limits{HeaderBytes: 64})
		if (err == nil) != (n <= 64) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// However deep a header is nested, the answer is the same.
func TestNestedHeadersAreMalformed(t *testing.T) {
	for _, depth := range []int{1, 100, 126, 127, 128, 400} {
		header := `{"alg":"EdDSA","x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}"
		_, err := Parse(base64.RawURLEncoding.EncodeToString([]byte(header))+".AA.AA", Limits{})
		var e *Error
		if !errors.As(err, &e) || e.Code != Malformed {
			t.Errorf("%d levels: %v", depth, err)
		}
	}
}
