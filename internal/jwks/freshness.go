package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what an issuer may demand.
const maxRetryAfter = 10 * time.Minute

// freshFor reads how long an answer is fresh (RFC 9111 §4.2): max-age less Age, else
// Expires less Date. Issuers forbid storing for the sake of browsers and proxies, often on all
// their pages alike; that says nothing about how long keys are good.
func freshFor(h http.Header, now time.Time) (time.Duration, bool) {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0, false
		case "max-age":
			age, _ := seconds(h.Get("Age"))
			if fresh, ok := seconds(strings.Trim(value, `"`)); ok {
				return max(fresh-age, 0), true
			}
		}
	}
	if h.Get("Expires") == "" {
		return 0, false
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0, true // RFC 9111 §5.3: an invalid date has passed
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(expires.Sub(now), 0), true
}

// retryAfter reads Retry-After (RFC 9110 §10.2.3), at most maxRetryAfter.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	d, ok := seconds(value)
	if at, err := http.ParseTime(value); !ok && err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// seconds reads delta-seconds (RFC 9111 §1.2.2), capped far above what is used.
func seconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, 1<<31)) * time.Second, true
}
