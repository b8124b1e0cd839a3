package keyring_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/keyring"
)

func TestDueKeysServeWhileTheyAreRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.change(func() { f.hang = make(chan struct{}) })
		time.Sleep(290 * time.Second)
		before := time.Now()
		for range 100 {
			wantCode(t, s, "a", 0)
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("known keys waited %v", waited)
		}
		synctest.Wait()
		wantFetches(t, f, 2)
		f.change(func() { close(f.hang); f.hang = nil })
	})
}

func TestWithdrawnKeyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "b", 0)
		f.publish("a")
		withdrawn := time.Now()
		for lookUp(t, s, "b") == 0 {
			wantCode(t, s, "a", 0)
			time.Sleep(time.Second)
			if time.Since(withdrawn) > 6*time.Minute {
				t.Fatal("the withdrawn key is still accepted after 6 min")
			}
		}
	})
}

func TestOutageIsServedToMaxStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{MaxStale: time.Hour})
		wantCode(t, s, "a", 0)
		start := time.Now()
		f.fail(errDown)
		for time.Since(start) < 59*time.Minute {
			wantCode(t, s, "a", 0)
			time.Sleep(5 * time.Second)
		}
		if h := s.Health(); h.Problem == "" || !h.Usable || h.TimeLeft > 2*time.Minute {
			t.Errorf("near the end of an outage health is %+v", h)
		}
		if n := mostWithin(f, time.Minute); n > 4 {
			t.Errorf("%d attempts within a minute", n)
		}
		time.Sleep(2 * time.Minute)
		wantCode(t, s, "a", keyring.Unavailable)
		if s.Health().Usable {
			t.Error("health says usable")
		}
	})
}

func TestIdleProcessLooksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a", "b")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "b", 0)
		f.publish("a")
		time.Sleep(time.Hour)
		wantCode(t, s, "b", keyring.Unknown)
		wantFetches(t, f, 2)
		time.Sleep(time.Hour)
		f.change(func() { f.hang = make(chan struct{}) })
		before := time.Now()
		wantCode(t, s, "a", 0) // the issuer hangs: the keys at hand serve
		if waited := time.Since(before); waited != time.Second {
			t.Errorf("waited %v, want StaleWait", waited)
		}
		f.change(func() { close(f.hang); f.hang = nil })
	})
}

func TestSuspiciousAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.change(func() { f.document = []byte(`{"keys":[]}`) })
		time.Sleep(290 * time.Second)
		wantCode(t, s, "a", 0)
		synctest.Wait()
		time.Sleep(time.Second)
		wantCode(t, s, "a", 0)
		if h := s.Health(); h.Problem == "" {
			t.Error("health does not tell of the suspicious answer")
		}
		first := time.Now()
		for lookUp(t, s, "a") == 0 {
			if time.Since(first) > 3*time.Minute {
				t.Fatal("the last key was withdrawn long ago and still verifies")
			}
			time.Sleep(time.Second)
		}
		if d := time.Since(first); d < 110*time.Second {
			t.Errorf("the empty set was believed after %v", d)
		}
	})
}

func TestSuspicionEndsWithAGoodAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		wantCode(t, s, "a", 0)
		f.change(func() { f.document = []byte(`{"keys":[]}`) })
		time.Sleep(290 * time.Second)
		wantCode(t, s, "a", 0)
		time.Sleep(time.Second)
		f.change(func() { f.document = nil })
		time.Sleep(25 * time.Second)
		wantCode(t, s, "a", 0)
		time.Sleep(time.Second)
		if h := s.Health(); h.Problem != "" {
			t.Errorf("health says %q", h.Problem)
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	tests := map[string]func(*fakeIssuer){
		"HTML":           func(f *fakeIssuer) { f.document = []byte("<html>") },
		"empty object":   func(f *fakeIssuer) { f.document = []byte("{}") },
		"list":           func(f *fakeIssuer) { f.document = []byte("[]") },
		"null":           func(f *fakeIssuer) { f.document = []byte("null") },
		"no keys":        func(f *fakeIssuer) { f.document = []byte(`{"keys":[]}`) },
		"cut short":      func(f *fakeIssuer) { f.document = []byte(`{"keys":[{"kty":`) },
		"only bad keys":  func(f *fakeIssuer) { f.document = []byte(`{"keys":[{"kty":"oct","k":"AAAA"},null]}`) },
		"403":            func(f *fakeIssuer) { f.err = &jwks.FetchError{Code: jwks.Status, Status: 403} },
		"404":            func(f *fakeIssuer) { f.err = &jwks.FetchError{Code: jwks.Status, Status: 404} },
		"refused":        func(f *fakeIssuer) { f.err = errDown },
		"never answered": func(f *fakeIssuer) { f.latency = time.Hour },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIssuer("a")
				s := source(t, f, keyring.Config{})
				wantCode(t, s, "a", 0)
				f.change(func() { spoil(f) })
				time.Sleep(290 * time.Second)
				for range 30 {
					wantCode(t, s, "a", 0)
					time.Sleep(2 * time.Second)
				}
				if f.count() < 2 {
					t.Error("the issuer was not asked")
				}
			})
		})
	}
}

func TestCloseDuringFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		f.change(func() { f.hang = make(chan struct{}) })
		s, ring := sourceAndRing(t, f, keyring.Config{})
		got := make(chan keyring.Code, 1)
		go func() { got <- lookUp(t, s, "a") }()
		synctest.Wait()
		ring.Close()
		if code := <-got; code != keyring.Closed {
			t.Errorf("the waiting caller got %v", code)
		}
		wantCode(t, s, "a", keyring.Closed)
		ring.Close()
	})
}

func TestConfigContradictions(t *testing.T) {
	for name, cfg := range map[string]keyring.Config{
		"negative":            {RefreshInterval: -1},
		"stale before due":    {RefreshInterval: time.Hour, MaxStale: time.Hour},
		"min beyond interval": {RefreshInterval: time.Minute, MinInterval: 2 * time.Minute},
		"busy loop":           {RefreshInterval: time.Millisecond},
		"endless request":     {ColdWait: time.Hour},
		"waiters":             {MaxWaiters: -1},
		"fetch":               {FetchTimeout: time.Hour},
		"cool-down":           {Cooldown: time.Millisecond},
	} {
		if _, err := cfg.Check(); err == nil {
			t.Errorf("%s: %+v was accepted", name, cfg)
		}
	}
	if _, err := (keyring.Config{RefreshInterval: 30 * time.Second}).Check(); err != nil {
		t.Errorf("a short interval alone: %v", err)
	}
}
