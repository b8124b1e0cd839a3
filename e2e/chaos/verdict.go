package chaos

import (
	"slices"
	"time"
)

// Verdict is what a ledger says.
type Verdict struct {
	Rows       map[Class]*Row
	Violations []Violation // in the order of time
	Attempts   int         // at the issuer's key set

	P50, P99, Slowest time.Duration // of good tokens with a known key
	NewKeyP50         time.Duration // from the first token to the first that is accepted, in each process
	NewKeySlowest     time.Duration

	latencies, newKeys, ready  []time.Duration
	readyP50, readySlowest     time.Duration
	lastWithdrawn, lastRevoked time.Duration // the latest acceptances, after that or the start of the process
	forgotten                  int           // acceptances after everybody who knew of a denial had ended
	mostPerMinute, mostAlone   int           // with a store and without
}

// Row counts the answers about one class of tokens.
type Row struct {
	Sent, OK, Refused, Later, Other int
	Ended                           int // went down with their process
	Wrong                           int // violations
}

func (v *Verdict) row(c Class) *Row {
	r := v.Rows[c]
	if r == nil {
		r = &Row{}
		v.Rows[c] = r
	}
	return r
}

// count returns the violations of a rule.
func (v *Verdict) count(r Rule) int {
	n := 0
	for _, o := range v.Violations {
		if o.Rule == r {
			n++
		}
	}
	return n
}

func (v *Verdict) summary() {
	v.P50, v.P99, v.Slowest = quantiles(v.latencies)
	v.NewKeyP50, _, v.NewKeySlowest = quantiles(v.newKeys)
	v.readyP50, _, v.readySlowest = quantiles(v.ready)
}

// quantiles returns the median, the 99th percentile and the greatest.
func quantiles(all []time.Duration) (p50, p99, greatest time.Duration) {
	if len(all) == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
}
