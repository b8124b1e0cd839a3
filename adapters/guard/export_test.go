package guard

import "time"

// TimingField is the value of Server-Timing for a check that took d.
func TimingField(d time.Duration) string { return timing{true, d}.field() }
