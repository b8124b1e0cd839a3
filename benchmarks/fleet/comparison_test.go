package fleet_test

import (
	"testing"
	"time"
)

// comparison is one number of replicas, with and without a shared store.
type comparison struct {
	n, rotations int
	cold, pushed measured
	atOnce       measured
	alone        measured
	aloneCold    measured
}

// compare measures a number of rotations of each kind.
func compare(t *testing.T, n, rotations int) comparison {
	t.Helper()
	c := comparison{n: n, rotations: rotations}
	shared := newGroup(t, n, crowded)
	c.cold = shared.cold()
	// Subscriptions begin with the first look; a message before they do reaches nobody.
	shared.subscribed()
	for range rotations {
		add(&c.pushed, shared.rotatePushed(), rotations)
		add(&c.atOnce, shared.rotateAtOnce(), rotations)
	}
	alone := newGroup(t, n, nil)
	c.aloneCold = alone.cold()
	for range rotations {
		add(&c.alone, alone.rotateAtOnce(), rotations)
	}
	if c.cold.fetches != 1 || c.pushed.fetches != rotations || c.atOnce.fetches != rotations {
		t.Errorf("%d replicas: %d fetches at the start, %d and %d for %d rotations", n, c.cold.fetches, c.pushed.fetches, c.atOnce.fetches, rotations)
	}
	if c.aloneCold.fetches != n || c.alone.fetches != n*rotations {
		t.Errorf("%d replicas without sharing: %d fetches at the start, %d for %d rotations", n, c.aloneCold.fetches, c.alone.fetches, rotations)
	}
	for _, m := range []struct {
		name string
		of   measured
	}{{"cold", c.cold}, {"pushed", c.pushed}, {"at once", c.atOnce}, {"alone", c.alone}} {
		p50, p99 := quantiles(m.of.delays)
		t.Logf("%d replicas, %s: %d fetches, %.1f commands per replica, %v, %v", n, m.name, m.of.fetches, m.of.commands, p50, p99)
	}
	return c
}

// add adds one of several measurements; the commands are those of one on average.
func add(sum *measured, m measured, of int) {
	sum.fetches += m.fetches
	sum.commands += m.commands / float64(of)
	sum.delays = append(sum.delays, m.delays...)
}

// subscribed waits until every replica hears what the others save.
func (g *group) subscribed() {
	g.Helper()
	for {
		reply, err := g.server.Do(g.Context(), "PUBSUB", "CHANNELS")
		channels, ok := reply.([]any)
		if err != nil || !ok {
			g.Fatal(reply, err)
		}
		if len(channels) == 1 {
			reply, err = g.server.Do(g.Context(), "PUBSUB", "NUMSUB", channels[0])
			counts, ok := reply.([]any)
			if err != nil || !ok {
				g.Fatal(reply, err)
			}
			if len(counts) == 2 && counts[1] == int64(len(g.replicas)) {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
