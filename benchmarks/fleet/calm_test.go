package fleet_test

import (
	"fmt"
	"time"
)

// keyInterval is the default of verifier.KeyLifecycle.RefreshInterval.
const keyInterval = 5 * time.Minute

// calm is the fleet with nothing going on.
func calm(hours int) func(s *simulation) row {
	return func(s *simulation) row {
		s.warm()
		stop := s.traffic(s.origin.token(), 10*time.Minute)
		time.Sleep(time.Duration(hours) * time.Hour)
		r := s.row(fmt.Sprintf("nothing, %d h", hours), served{}, stop(), "13–15 fetches an hour, 60 s apart; 1 % of a core")
		perHour := float64(r.fetches) / float64(hours)
		s.atMost("fetches an hour", perHour, 15.5)
		if perHour < 12.5 {
			s.Errorf("%g fetches an hour: keys grow old", perHour)
		}
		s.atMost("fetches in a minute", float64(most(s.origin.since(s.began), time.Minute)), 1)
		s.atMost("round trips per replica and hour", r.trips/float64(hours), 3600/12+3600/30+3*15)
		s.atMost("share of a core", r.busy, 0.01*max(1, float64(s.n)/10_000))
		return r
	}
}

func coldStart(s *simulation) row {
	first := s.start(0)
	r := s.row("all start at the same instant", first, served{}, "1 fetch")
	s.atMost("fetches", float64(r.fetches), 1)
	s.atMost("round trips per replica", r.trips, 12)
	return r
}

// stalledStart keeps the answer to the first claim for longer than anybody waits for it. In a
// fleet so large that the start alone takes the server longer than that, some replicas then
// find it silent twice, and go to the issuer.
func stalledStart(s *simulation) row {
	s.wg.Go(func() {
		time.Sleep(tripCost - 1)
		s.server.freeze(150 * time.Millisecond)
	})
	first := s.start(0)
	limit, budget := 1.0, "1 fetch"
	if s.n > 1000 {
		limit, budget = float64(s.n)/10, "a fetch by one replica in ten"
	}
	r := s.row("the same, Redis stalls for 150 ms", first, served{}, budget)
	s.atMost("fetches", float64(r.fetches), limit)
	s.atMost("round trips per replica", r.trips, 15)
	return r
}

func rollingStart(s *simulation) row {
	first := s.start(time.Minute)
	r := s.row("all start within 60 s", first, served{}, "1 fetch")
	s.atMost("fetches", float64(r.fetches), 1)
	s.atMost("round trips per replica", r.trips, 12)
	return r
}

// rotation is a new key whose first tokens reach all replicas within the given time.
func rotation(within time.Duration) func(s *simulation) row {
	return func(s *simulation) row {
		s.warm()
		stop := s.traffic(s.origin.token(), time.Minute)
		first := s.all(s.origin.rotated(), within)
		event := "new key, first tokens everywhere at the same instant"
		if within > 0 {
			event = fmt.Sprintf("new key, first tokens everywhere within %g s", within.Seconds())
		}
		r := s.row(event, first, stop(), "1 fetch")
		s.atMost("fetches", float64(r.fetches), 1)
		s.atMost("round trips per replica", r.trips, 12)
		return r
	}
}

// flood is made-up kids on every replica.
func flood(s *simulation) row {
	const length, period = 2 * time.Minute, 3 * time.Second
	s.warm()
	stop := s.traffic(s.origin.token(), time.Minute)
	forge := s.origin.forger()
	for i, v := range s.replicas {
		s.wg.Go(func() {
			if sleep(s.ctx, time.Duration(i)*period/time.Duration(s.n)) != nil {
				return
			}
			for k := 0; time.Since(s.began) < length && s.ctx.Err() == nil; k++ {
				if _, err := v.Verify(s.ctx, forge(fmt.Sprintf("made-up-%d-%d", i, k))); err == nil {
					s.Error("a made-up kid was accepted")
				}
				_ = sleep(s.ctx, period)
			}
		})
	}
	time.Sleep(length)
	r := s.row("a made-up kid every 3 s on each, 2 min", served{}, stop(), "4 fetches in 60 s")
	s.atMost("fetches in a minute", float64(most(s.origin.since(s.began), time.Minute)), 4)
	s.atMost("round trips per replica and minute", r.trips/length.Minutes(), 4*12)
	return r
}
