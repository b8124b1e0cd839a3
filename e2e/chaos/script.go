package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Step is one event of a script.
type Step struct {
	Lane, Name string
	At, For    time.Duration // For is how long it lasts, before it is put right
}

func (s Step) String() string {
	return fmt.Sprintf("%6.1f s  %-8s %s (%.1f s)", s.At.Seconds(), s.Lane, s.Name, s.For.Seconds())
}

// lane is a subject to which one thing happens at a time. Lanes do not wait for each other.
type lane struct {
	name string
	// gap is between the end of an event and the beginning of the next, length how long an
	// event lasts.
	gapFrom, gapTo time.Duration
	from, to       time.Duration
	bag            []string
}

// The lanes. A name that stands twice happens twice as often.
var lanes = []lane{
	{"keys", 14 * time.Second, 24 * time.Second, 0, 0, []string{"rotate", "withdraw", "rotate", "revoke", "stage", "withdraw"}},
	{"issuer", 12 * time.Second, 35 * time.Second, 5 * time.Second, 25 * time.Second, []string{"hangs", "closes", "fails", "refuses", "nonsense", "no keys", "slow"}},
	{"redis", 15 * time.Second, 30 * time.Second, 5 * time.Second, 15 * time.Second, []string{"frozen", "killed", "emptied", "forged", "failover", "no writes"}},
	{"replicas", 10 * time.Second, 25 * time.Second, 3 * time.Second, 7 * time.Second, []string{"restarted", "killed", "suspended", "clock", "all restarted"}},
	{"callers", 25 * time.Second, 50 * time.Second, 10 * time.Second, 25 * time.Second, []string{"flood"}},
}

// A script begins with a quiet time, in which the fleet starts, and ends with one, in which it
// has to come to rest.
const (
	warmUp = 10 * time.Second
	rest   = 45 * time.Second
)

// Script draws the events of a run. The same seed and length give the same script. Each lane
// goes through all its events, in an order of its own, before one comes again.
func Script(seed uint64, length time.Duration) []Step {
	var steps []Step
	for i, l := range lanes {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		var left []string
		for at := warmUp + between(r, 0, l.gapFrom); ; {
			if len(left) == 0 {
				left = slices.Clone(l.bag)
				if l.name != "keys" { // whose order makes sense
					r.Shuffle(len(left), func(a, b int) { left[a], left[b] = left[b], left[a] })
				}
			}
			s := Step{Lane: l.name, Name: left[0], At: at, For: between(r, l.from, l.to)}
			if s.At+s.For > length-rest {
				break
			}
			steps, left = append(steps, s), left[1:]
			at += s.For + between(r, l.gapFrom, l.gapTo)
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return int(a.At - b.At) })
	return steps
}

// Short is what happens in a run of seconds: something in every lane but the clock's.
func Short() []Step {
	s := time.Second
	return []Step{
		{"keys", "rotate", 1 * s, 0},
		{"issuer", "hangs", 2 * s, 3 * s},
		{"redis", "killed", 3 * s, 2 * s},
		{"keys", "revoke", 3500 * time.Millisecond, 0},
		{"replicas", "killed", 6 * s, s / 2},
		{"callers", "flood", 7 * s, 2 * s},
		{"redis", "forged", 7 * s, 3 * s},
	}
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(r.Int64N(int64(to-from))).Round(100*time.Millisecond)
}

// Print is the script for people.
func Print(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}
