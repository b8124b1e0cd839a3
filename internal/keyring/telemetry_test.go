package keyring_test

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/internal/telemetry"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
)

// Every way in which an attempt fails has a name of its own.
func TestTroublesAreTotal(t *testing.T) {
	seen := map[string]bool{"other": true}
	unknown := (&jwks.FetchError{Code: math.MaxUint8}).Error()
	n := 0
	for code := jwks.FetchCode(1); code < math.MaxUint8; code++ {
		fe := &jwks.FetchError{Code: code, Status: 500}
		if fe.Error() == unknown {
			continue
		}
		n++
		name, status := keyring.TroubleOf(fe)
		if seen[name] || status != 500 {
			t.Errorf("%v is told as %q with status %d", fe, name, status)
		}
		seen[name] = true
	}
	if n < 10 {
		t.Errorf("only %d codes were looked at", n)
	}
	if name, _ := keyring.TroubleOf(errors.New("not JSON")); name != "no_key_set" {
		t.Errorf("an answer that is no key set is told as %q", name)
	}
	if name, _ := keyring.TroubleOf(nil); name != "" {
		t.Errorf("no trouble is told as %q", name)
	}
}

func TestStateFollowsTheAgeOfTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIssuer("a")
		s := source(t, f, keyring.Config{})
		if h := s.Gauge(); h != (telemetry.KeyHealth{Expires: true}) {
			t.Errorf("without keys %+v", h)
		}
		wantCode(t, s, "a", 0)
		fetched := time.Now()
		f.fail(errDown)
		for age, want := range map[time.Duration]telemetry.KeyState{
			time.Second: telemetry.Fresh, 5 * time.Minute: telemetry.Due, 10*time.Minute + time.Second: telemetry.Stale,
		} {
			if got := s.State(fetched.Add(age)); got != want {
				t.Errorf("after %v the keys are %v, want %v", age, got, want)
			}
		}
		time.Sleep(time.Hour)
		h := s.Gauge()
		if h.Count != 1 || !h.Ages || h.Age < time.Hour || h.Age+h.TimeLeft != 24*time.Hour {
			t.Errorf("after an hour %+v", h)
		}
		time.Sleep(24 * time.Hour)
		if h := s.Gauge(); !h.Expires || h.TimeLeft != 0 {
			t.Errorf("after a day %+v", h)
		}
	})
}

func TestStaticKeysNeitherAgeNorExpire(t *testing.T) {
	cfg, err := keyring.Config{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	ring := keyring.New(cfg, keyring.Options{Store: memory.New()})
	defer ring.Close()
	s, err := ring.Static(keystore.ID{Issuer: issuerURL}, document("a", "b"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if h := s.Gauge(); h != (telemetry.KeyHealth{Count: 2}) {
		t.Errorf("static keys are %+v", h)
	}
	if got := s.State(time.Now().Add(1000 * time.Hour)); got != telemetry.Fresh {
		t.Errorf("static keys are %v", got)
	}
}
