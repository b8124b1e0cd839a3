package chaos_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/e2e/chaos"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// ledger is a run of five minutes in which nothing went wrong: two replicas, one key from the
// beginning, one from the first minute, one withdrawn in the second, one revoked in the third.
func ledger() *chaos.Ledger {
	never := chaos.Never
	l := &chaos.Ledger{
		Replicas: 2, Interval: 30 * s, Length: 300 * s,
		Keys: []*chaos.Key{
			{ID: "a", Withdrawn: never, Revoking: never, Revoked: never},
			{ID: "b", Published: 60 * s, Withdrawn: never, Revoking: never, Revoked: never},
			{ID: "gone", Withdrawn: 120 * s, Revoking: never, Revoked: never},
			{ID: "denied", Withdrawn: never, Revoking: 180 * s, Revoked: 181 * s},
		},
		Processes: []*chaos.Process{{Slot: 0, Ready: s, Ended: never}, {Slot: 1, Ready: s, Ended: never}},
	}
	for i := range 2 {
		for at := 2 * s; at < 299*s; at += s {
			add(l, chaos.Good, "a", i, at, 200)
			add(l, chaos.Forged, "a", i, at, 401)
			add(l, chaos.Expired, "a", i, at, 401)
			add(l, chaos.OtherAudience, "a", i, at, 401)
			if at >= 60*s {
				add(l, chaos.Good, "b", i, at, 200)
			}
			add(l, chaos.Good, "gone", i, at, map[bool]int{true: 200, false: 401}[at < 140*s])
			add(l, chaos.Good, "denied", i, at, map[bool]int{true: 200, false: 401}[at < 190*s])
		}
	}
	for at := time.Duration(0); at < 300*s; at += 27 * s {
		l.Fetches = append(l.Fetches, chaos.Fetch{At: at})
	}
	return l
}

func add(l *chaos.Ledger, k chaos.Kind, key string, process int, at time.Duration, status int) {
	l.Entries = append(l.Entries, chaos.Entry{Kind: k, Key: key, Process: process, Sent: at, Answered: at + 5*ms, Status: status})
}

// during answers what was sent to a process about a key in a time with another status.
func during(l *chaos.Ledger, process int, key string, from, to time.Duration, status int) {
	for i := range l.Entries {
		if e := &l.Entries[i]; e.Kind == chaos.Good && e.Process == process && e.Key == key && e.Sent >= from && e.Sent < to {
			e.Status = status
		}
	}
}

func event(l *chaos.Ledger, t chaos.Trouble, from, to time.Duration) {
	l.Events = append(l.Events, &chaos.Event{Begin: from, End: to, Over: to, Trouble: t})
}

func TestWhatIsNotAsPromisedIsFound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(l *chaos.Ledger)
		want   chaos.Rule // "" for nothing
	}{
		{"all is well", func(*chaos.Ledger) {}, ""},
		{"a known token is refused", func(l *chaos.Ledger) { during(l, 1, "a", 100*s, 101*s, 401) }, chaos.NothingLost},
		{"a known token is put off", func(l *chaos.Ledger) { during(l, 0, "b", 100*s, 101*s, 503) }, chaos.NothingLost},
		{"a known token gets no answer", func(l *chaos.Ledger) { during(l, 0, "a", 100*s, 101*s, 0) }, chaos.NothingLost},
		{"a known token is lost while everything is down", func(l *chaos.Ledger) {
			event(l, chaos.IssuerTrouble|chaos.StoreTrouble, 90*s, 110*s)
			during(l, 0, "a", 100*s, 101*s, 503)
		}, chaos.NothingLost},
		{"an answer goes down with its process", func(l *chaos.Ledger) {
			l.Processes[1].Ended = 298 * s
			during(l, 1, "a", 298*s, 299*s, 0)
		}, ""},
		{"a forged token is accepted", func(l *chaos.Ledger) { add(l, chaos.Forged, "a", 0, 50*s, 200) }, chaos.NothingBad},
		{"an expired one", func(l *chaos.Ledger) { add(l, chaos.Expired, "a", 0, 50*s, 200) }, chaos.NothingBad},
		{"one for others", func(l *chaos.Ledger) { add(l, chaos.OtherAudience, "b", 1, 70*s, 200) }, chaos.NothingBad},
		{"a made-up one", func(l *chaos.Ledger) { add(l, chaos.MadeUp, "", 1, 70*s, 200) }, chaos.NothingBad},
		{"an invalid one is put off", func(l *chaos.Ledger) { add(l, chaos.MadeUp, "", 1, 70*s, 503) }, ""},
		{"a server error", func(l *chaos.Ledger) { add(l, chaos.Forged, "a", 0, 50*s, 500) }, chaos.PlainAnswers},

		{"a new key takes a moment", func(l *chaos.Ledger) { during(l, 0, "b", 60*s, 64*s, 401) }, ""},
		{"a new key takes long in calm times", func(l *chaos.Ledger) { during(l, 0, "b", 60*s, 70*s, 401) }, chaos.NewKeyInTime},
		{"a new key takes as long as a cool-down after a made-up kid", func(l *chaos.Ledger) {
			add(l, chaos.MadeUp, "", 1, 58*s, 401)
			during(l, 0, "b", 60*s, 83*s, 401)
		}, ""},
		{"a new key takes longer than that", func(l *chaos.Ledger) {
			add(l, chaos.MadeUp, "", 1, 58*s, 401)
			during(l, 0, "b", 60*s, 95*s, 401)
		}, chaos.NewKeyInTime},
		{"a new key has to wait for the issuer", func(l *chaos.Ledger) {
			event(l, chaos.IssuerTrouble, 61*s, 160*s)
			during(l, 0, "b", 60*s, 180*s, 503)
		}, ""},
		{"a new key is never accepted", func(l *chaos.Ledger) {
			event(l, chaos.IssuerTrouble, 61*s, 160*s)
			during(l, 0, "b", 60*s, 300*s, 503)
		}, chaos.NewKeyInTime},

		{"a withdrawn key lives on", func(l *chaos.Ledger) { during(l, 0, "gone", 120*s, 170*s, 200) }, chaos.WithdrawnInTime},
		{"a withdrawn key lives on without an issuer", func(l *chaos.Ledger) {
			event(l, chaos.IssuerTrouble, 121*s, 180*s)
			during(l, 0, "gone", 120*s, 200*s, 200)
		}, ""},
		{"a withdrawn key comes back", func(l *chaos.Ledger) { during(l, 1, "gone", 250*s, 252*s, 200) }, chaos.WithdrawnInTime},
		{"a new process learns of a withdrawal", func(l *chaos.Ledger) {
			l.Processes = append(l.Processes, &chaos.Process{Started: 250 * s, Ready: 251 * s, Ended: chaos.Never})
			add(l, chaos.Good, "gone", 2, 260*s, 200)
		}, ""},

		{"a revoked key lives on", func(l *chaos.Ledger) { during(l, 0, "denied", 190*s, 215*s, 200) }, chaos.RevokedInTime},
		{"a revoked key lives on without a store", func(l *chaos.Ledger) {
			event(l, chaos.StoreTrouble, 182*s, 230*s)
			during(l, 0, "denied", 190*s, 240*s, 200)
		}, ""},
		{"a revoked key comes back", func(l *chaos.Ledger) { during(l, 0, "denied", 280*s, 281*s, 200) }, chaos.RevokedInTime},
		{"a denial is lost, and those who know it put it back", func(l *chaos.Ledger) { lost(l, 230*s) }, ""},
		{"a denial is lost, and nobody puts it back", func(l *chaos.Ledger) { lost(l, 250*s) }, chaos.RevokedInTime},
		{"a denial is lost with everybody who knew it", func(l *chaos.Ledger) {
			l.Processes[0].Ended, l.Processes[1].Ended = 299*s, 199*s
			during(l, 1, "a", 199*s, 300*s, 0)
			during(l, 1, "b", 199*s, 300*s, 0)
			l.Processes[0].Started, l.Processes[0].Ready = 181*s, 182*s
			lost(l, 290*s)
		}, ""},

		{"a process is not ready", func(l *chaos.Ledger) {
			l.Processes = append(l.Processes, &chaos.Process{Started: 200 * s, Ready: chaos.Never, Ended: chaos.Never})
		}, chaos.ReadyInTime},

		{"five fetches in a minute", func(l *chaos.Ledger) { fetches(l, 200*s, 210*s) }, chaos.FewFetches},
		{"one more for a new key", func(l *chaos.Ledger) { fetches(l, 60*s, 70*s) }, ""},
		{"a retry of a broken one is the same attempt", func(l *chaos.Ledger) {
			l.Fetches[1].Failed = true
			for at := 27*s + 200*ms; at < 28*s; at += 10 * s {
				fetches(l, at)
			}
		}, ""},
		{"without a store each asks for itself", func(l *chaos.Ledger) {
			event(l, chaos.StoreTrouble, 10*s, 60*s)
			fetches(l, 10*s, 20*s, 22*s, 30*s)
		}, ""},
		{"and not more than that", func(l *chaos.Ledger) {
			event(l, chaos.StoreTrouble, 10*s, 60*s)
			for range 20 {
				fetches(l, 20*s)
			}
		}, chaos.FewFetches},
	} {
		l := ledger()
		tt.change(l)
		v := chaos.Judge(l)
		if tt.want == "" {
			for _, o := range v.Violations {
				t.Errorf("%s: %v", tt.name, o)
			}
			continue
		}
		if len(v.Violations) == 0 {
			t.Errorf("%s: not found, want %q", tt.name, tt.want)
		}
		for _, o := range v.Violations {
			if o.Rule != tt.want || !strings.Contains(o.String(), string(tt.want)) {
				t.Errorf("%s: %v, want %q", tt.name, o, tt.want)
			}
		}
	}
}

// lost lets the store lose everything, and a process start that accepts the denied key.
func lost(l *chaos.Ledger, until time.Duration) {
	event(l, chaos.DataLoss, 200*s, 200*s)
	l.Processes = append(l.Processes, &chaos.Process{Started: 201 * s, Ready: 202 * s, Ended: chaos.Never})
	for at := 203 * s; at < until; at += s {
		add(l, chaos.Good, "denied", 2, at, 200)
	}
}

// fetches adds some, in the order of time.
func fetches(l *chaos.Ledger, at ...time.Duration) {
	for _, d := range at {
		i := 0
		for i < len(l.Fetches) && l.Fetches[i].At <= d {
			i++
		}
		l.Fetches = append(l.Fetches[:i], append([]chaos.Fetch{{At: d}}, l.Fetches[i:]...)...)
	}
}
