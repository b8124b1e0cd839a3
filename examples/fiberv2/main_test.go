package main

import (
	"strings"
	"testing"
)

func TestEveryCallerGetsWhatItDeserves(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "8 of 8 answers as expected.") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
