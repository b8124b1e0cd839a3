package guard

import (
	"strconv"
	"time"
)

const (
	fieldServerTiming = "Server-Timing"
	// The metric of the field is called like the project, and described by a fixed text.
	timingName        = "keychorus;dur="
	timingDescription = `;desc="access token check"`
)

// WithServerTiming tells in the field Server-Timing (W3C Server Timing §3) how many milliseconds
// [Guard.Check] took, of requests that pass and of those that are refused:
//
//	Server-Timing: keychorus;dur=0.052;desc="access token check"
//
// Browsers show it among the timings of a request; pages on another origin see it if the answer
// has Timing-Allow-Origin. It holds that number and nothing else. A duration lets whoever sends
// requests measure this server: whether keys are at hand, what is cached, how far a check came.
// It is for development and for clients that are trusted. Default: nothing is told.
func WithServerTiming() Option {
	return option{"WithServerTiming", func(s *settings) error {
		s.timing = true
		return nil
	}}
}

// timing is how long a check took, if that is told.
type timing struct {
	told bool
	took time.Duration
}

// field returns the value of the field.
func (t timing) field() string {
	const decimals = 3 // microseconds
	b := make([]byte, 0, 64)
	b = append(b, timingName...)
	b = strconv.AppendFloat(b, float64(max(t.took, 0))/float64(time.Millisecond), 'f', decimals, 64)
	return string(append(b, timingDescription...))
}

// CopyHeader gives an answer the fields of [Decision.Header], by what sets a field of the answer
// and what adds a further value. An adapter calls it for every request, before the handler or the
// body. Fields that an outer layer has set stay, such as those of CORS, and so do its values of
// Server-Timing, a list that every layer adds to (RFC 9110 §5.3).
func (d Decision) CopyHeader(set, add func(name, value string)) {
	if d.allowed { // mostly: nothing to copy, and then no map
		if d.timing.told {
			add(fieldServerTiming, d.timing.field())
		}
		return
	}
	for name, values := range d.Header() {
		for i, value := range values {
			if i == 0 && name != fieldServerTiming {
				set(name, value)
			} else {
				add(name, value)
			}
		}
	}
}
