package fleet_test

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keychorus/keychorus/keystore/sealed"
)

// frozenRotation is a new key while the store does not answer.
func frozenRotation(s *simulation) row {
	const frozen = 10 * time.Second
	s.warm()
	stop := s.traffic(s.origin.token(), 20*time.Second)
	s.server.freeze(frozen)
	first := s.all(s.origin.rotated(), frozen)
	time.Sleep(20 * time.Second)
	r := s.row("Redis frozen 10 s, new key meanwhile, first tokens spread over it", first, stop(), "1 fetch per replica, spread as its tokens are")
	s.atMost("fetches per replica", float64(r.fetches)/float64(s.n), 1)
	s.atMost("fetches in a second", float64(r.most), spread(s.n, frozen))
	return r
}

// spread is what n fetches at random within a time may come to in any second: their mean, six
// standard deviations, and a few where n is small.
func spread(n int, within time.Duration) float64 {
	mean := float64(n) / within.Seconds()
	return mean + 6*math.Sqrt(mean) + 5
}

func restartedEmpty(s *simulation) row {
	s.warm()
	stop := s.traffic(s.origin.token(), 20*time.Second)
	s.server.replace(nil)
	time.Sleep(30 * time.Second)
	r := s.row("Redis restarted empty", served{}, stop(), "0 fetches, the record is put back")
	s.atMost("fetches", float64(r.fetches), 0)
	s.atMost("round trips per replica", r.trips, 12)
	if !s.stored() {
		s.Error("nobody has put the record back")
	}
	return r
}

// stored tells whether the server has a record.
func (s *simulation) stored() bool {
	for name := range s.server.copy() {
		if strings.HasSuffix(name, ":set") {
			return true
		}
	}
	return false
}

// lostWrite is a failover to a server that has not seen the new key.
func lostWrite(s *simulation) row {
	s.warm()
	before := s.server.copy()
	token := s.origin.rotated()
	if got := s.all(token, time.Second); got.lost > 0 {
		s.Errorf("%d of %d requests lost before the failover", got.lost, got.requests)
	}
	s.forget()
	s.server.replace(before)
	stop := s.traffic(token, 20*time.Second)
	time.Sleep(10 * time.Second)
	kid := s.origin.Key().ID()
	for i, v := range s.replicas {
		if !slices.Contains(v.Health().Issuers[0].KeyIDs, kid) {
			s.Fatalf("replica %d went back", i)
		}
	}
	var c counter
	c.verify(s.ctx, s.add(), token) // it finds the old record
	time.Sleep(20 * time.Second)
	r := s.row("failover that loses the newest record, then one more replica", c.result(), stop(), "1 fetch, nobody goes back")
	s.atMost("fetches", float64(r.fetches), 1)
	return r
}

// otherSecret is half a fleet that changed the secret at once, or by way of previous secrets.
func otherSecret(announced bool) func(s *simulation) row {
	return func(s *simulation) row {
		one, two := newSecrets(s, "first"), newSecrets(s, "second")
		event, budget, halves := "half the fleet on another secret, 20 min", "as two fleets: 30 fetches an hour", 2.0
		if announced {
			one, two = newSecrets(s, "first", "second"), newSecrets(s, "second", "first")
			event, budget, halves = "the same, each half knows the other secret", "as one fleet: 15 fetches an hour", 1.0
		}
		s.secretsOf = func(i int) *sealed.Secrets { return []*sealed.Secrets{one, two}[i%2] }
		s.warm()
		stop := s.traffic(s.origin.token(), 5*time.Minute)
		time.Sleep(20 * time.Minute)
		r := s.row(event, served{}, stop(), budget+", no seal that does not hold")
		s.atMost("fetches an hour", 3*float64(r.fetches), halves*15)
		for _, st := range s.stores {
			s.atMost("seals that do not hold", float64(st.Stats().SealFailures), 0)
		}
		return r
	}
}

// limited is an issuer that answers 429 for a while.
func limited(s *simulation) row {
	const length, after = 20 * time.Minute, 2 * time.Minute
	s.warm()
	stop := s.traffic(s.origin.token(), 5*time.Minute)
	s.origin.FailWith(http.StatusTooManyRequests, http.Header{"Retry-After": {strconv.Itoa(int(after.Seconds()))}}, nil)
	time.Sleep(length)
	r := s.row("the issuer answers 429 with Retry-After 120 for 20 min", served{}, stop(), "1 fetch per Retry-After")
	s.atMost("fetches", float64(r.fetches), length.Minutes()/after.Minutes())
	fetches := s.origin.since(s.began)
	for i := 1; i < len(fetches); i++ {
		if gap := fetches[i].Sub(fetches[i-1]); gap < after {
			s.Errorf("asked again after %v", gap)
		}
	}
	return r
}

// frozenLong is a store that does not answer for two refresh intervals.
func frozenLong(s *simulation) row {
	const frozen = 10 * time.Minute
	s.warm()
	stop := s.traffic(s.origin.token(), time.Minute)
	s.server.freeze(frozen)
	time.Sleep(frozen + 2*keyInterval)
	r := s.row("Redis frozen 10 min, and 10 min after", served{}, stop(), "1 fetch per replica and interval without it, spread over 60 s or more")
	s.atMost("fetches per replica", float64(r.fetches)/float64(s.n), 3)
	s.atMost("fetches in a second", float64(r.most), spread(s.n, time.Minute))
	return r
}
