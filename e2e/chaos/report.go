package chaos

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keychorus/keychorus/benchmarks/results"
)

// Report is a run and its verdict in Markdown.
func Report(l *Ledger, v *Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d replicas, a refresh interval of %v, seed %d: %s tokens, %d events, %d processes.\n\n",
		clock(l.Length), l.Replicas, l.Interval, l.Seed, thousands(len(l.Entries)), len(l.Events), len(l.Processes))
	b.WriteString("| tokens | sent | 200 | 401 | 503 | went down with their process | not as promised |\n|---|---|---|---|---|---|---|\n")
	for c := range classes {
		if r := v.Rows[c]; r != nil {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d |\n", c, thousands(r.Sent), thousands(r.OK), thousands(r.Refused), thousands(r.Later), r.Ended, r.Wrong+r.Other)
		}
	}
	b.WriteString("\n| promised | seen | not as promised |\n|---|---|---|\n")
	for _, row := range []struct {
		rule           Rule
		promised, seen string
	}{
		{NothingLost, "a token whose key is published, and known to the process, is accepted, whatever else is down", fmt.Sprintf("p50 %s, p99 %s, slowest %s", short(v.P50), short(v.P99), short(v.Slowest))},
		{NothingBad, "no token is accepted that no key and no time makes good", ""},
		{NewKeyInTime, "a new key is accepted within 5 s in calm times; within 24 s and a fetch after an unknown kid or a failed attempt; within 90 s without a store. Time without an issuer does not count", fmt.Sprintf("p50 %s, longest %s, with all troubles", short(v.NewKeyP50), short(v.NewKeySlowest))},
		{WithdrawnInTime, "a withdrawn key is refused within 1.2 refresh intervals of an issuer that answers; a cool-down more after a failure, 0.3 intervals more without a store. For a process that starts later, and may start with an old record, it counts from its start", lastAccepted(v.lastWithdrawn) + ", with all troubles"},
		{RevokedInTime, "a revoked key is refused within 20 s of a store that works; by a process that starts after the store has lost the denial, within 40 s, as long as another one remembers", revokedSeen(v)},
		{ReadyInTime, "a process is ready within 24 s and a fetch, of issuer and store that work", fmt.Sprintf("p50 %s, longest %s, with all troubles", short(v.readyP50), short(v.readySlowest))},
		{FewFetches, "at most 4 attempts a minute, 8 while the issuer comes and goes, and one for each new key and each loss of what is stored; without a store, one for each process and refresh point, and one a minute for unknown kids", fmt.Sprintf("%d in all, at most %d in a minute with a store, %d without", v.Attempts, v.mostPerMinute, v.mostAlone)},
		{PlainAnswers, "every answer is 200, 401 or 503", ""},
	} {
		fmt.Fprintf(&b, "| %s | %s | %d |\n", row.promised, cmp.Or(row.seen, "–"), v.count(row.rule))
	}
	b.WriteString(eventTable(l))
	fmt.Fprintf(&b, "\n%s on %s/%s, %d cores.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	return b.String()
}

func lastAccepted(after time.Duration) string {
	if after == 0 {
		return "never accepted"
	}
	return "last accepted after " + short(after)
}

func revokedSeen(v *Verdict) string {
	seen := lastAccepted(v.lastRevoked)
	if v.forgotten > 0 {
		seen += fmt.Sprintf("; %d times when Redis was emptied and everybody restarted", v.forgotten)
	}
	return seen
}

// inFull says what names in the picture mean that are short.
var inFull = map[string]string{
	"rotate": "rotated without notice", "stage": "published, then rotated", "withdraw": "withdrawn", "revoke": "revoked",
	"closes": "closes connections", "nonsense": "sends nonsense", "no keys": "sends an empty key set", "slow": "is slow",
	"failover": "fails over, a write lost", "no writes": "takes no writes", "clock": "clock ten minutes wrong",
}

// eventTable counts what happened.
func eventTable(l *Ledger) string {
	var b strings.Builder
	b.WriteString("\n| what | happened | lasted in all | tokens meanwhile | fetches meanwhile |\n|---|---|---|---|---|\n")
	for _, lane := range lanes {
		names := slices.Compact(slices.Sorted(slices.Values(lane.bag)))
		for _, name := range names {
			n, lasted, tokens, fetches := l.meanwhile(lane.name, name)
			if n > 0 {
				fmt.Fprintf(&b, "| %s: %s | %s | %.0f s | %s | %d |\n", lane.name, cmp.Or(inFull[name], name), times(n), lasted.Seconds(), thousands(tokens), fetches)
			}
		}
	}
	return b.String()
}

// meanwhile counts an event, and what was sent and fetched while it lasted.
func (l *Ledger) meanwhile(lane, name string) (n int, lasted time.Duration, tokens, fetches int) {
	for _, e := range l.Events {
		if e.Lane != lane || e.Name != name {
			continue
		}
		s := span{e.Begin, min(e.End, l.Length)}
		n, lasted = n+1, lasted+s.to-s.from
		for _, t := range l.Entries {
			if s.meets(span{t.Sent, t.Answered}) {
				tokens++
			}
		}
		for _, f := range l.Fetches {
			if s.meets(span{f.At, f.At}) {
				fetches++
			}
		}
	}
	return n, lasted, tokens, fetches
}

// Write puts the report in its section of a page, and the picture in its file. A run that was
// not as promised is an error: it has no place in the docs.
func Write(page, picture string, l *Ledger, v *Verdict) error {
	if n := len(v.Violations); n > 0 {
		return fmt.Errorf("chaos: not written, %d violations: %v", n, v.Violations[0])
	}
	svg, err := Timeline(l, v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(picture), 0o750); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	if err := os.WriteFile(picture, svg, 0o600); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	return results.Write(page, "chaos", Report(l, v))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// short prints a duration with as many digits as matter.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// thousands prints a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// clock prints a length as minutes and seconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
}
