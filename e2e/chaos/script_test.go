package chaos_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keychorus/keychorus/e2e/chaos"
)

func TestASeedGivesTheSameScript(t *testing.T) {
	a, b, c := chaos.Script(7, 8*time.Minute), chaos.Script(7, 8*time.Minute), chaos.Script(8, 8*time.Minute)
	if !slices.Equal(a, b) {
		t.Error("one seed gives two scripts")
	}
	if slices.Equal(a, c) {
		t.Error("two seeds give one script")
	}
}

// A script of the length that is published has everything in it, overlaps, and comes to rest.
func TestAScriptHasEverythingInIt(t *testing.T) {
	const length = 8 * time.Minute
	for seed := range uint64(50) {
		seen, overlaps := map[string]bool{}, 0
		var last, end time.Duration
		for _, s := range chaos.Script(seed, length) {
			seen[s.Lane+" "+s.Name] = true
			if s.At < last {
				t.Fatalf("seed %d: %v comes after %v", seed, s, last)
			}
			if s.At < end {
				overlaps++
			}
			last, end = s.At, max(end, s.At+s.For)
		}
		if len(seen) != 23 {
			t.Errorf("seed %d: %d different events, want all 23", seed, len(seen))
		}
		if overlaps < 15 {
			t.Errorf("seed %d: %d events begin during another, want 15 at least", seed, overlaps)
		}
		if end > length-45*time.Second {
			t.Errorf("seed %d: no rest after %v", seed, end)
		}
	}
}
