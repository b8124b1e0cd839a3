package keyring_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

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
	ring := ringOf(t, keyring.Config{})
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

// ends notes error.type of every refresh that ends.
type ends struct {
	tracenoop.Span

	mu   *sync.Mutex
	seen map[string]int
}

type (
	endsProvider struct {
		tracenoop.TracerProvider
		ends ends
	}
	endsTracer struct {
		tracenoop.Tracer
		ends ends
	}
)

func (p endsProvider) Tracer(string, ...trace.TracerOption) trace.Tracer {
	return endsTracer{ends: p.ends}
}

func (t endsTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if name == "keychorus.keys.refresh" {
		return ctx, t.ends
	}
	return ctx, tracenoop.Span{}
}

func newEnds() ends { return ends{mu: new(sync.Mutex), seen: map[string]int{}} }

func (ends) IsRecording() bool { return true }

func (e ends) SetAttributes(kv ...attribute.KeyValue) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range kv {
		if a.Key == "error.type" {
			e.seen[a.Value.AsString()]++
		}
	}
}

// A refresh that fails because it does not get its turn says so.
func TestARefreshThatIsTurnedAwayIsToldApart(t *testing.T) {
	ringWith := func(e ends, store keystore.KeyStore) *keyring.Ring {
		cfg, err := keyring.Config{}.Check()
		if err != nil {
			t.Fatal(err)
		}
		return keyring.New(cfg, keyring.Options{Store: store, Shared: true, Telemetry: telemetry.New(telemetry.Options{TracerProvider: endsProvider{ends: e}})})
	}
	t.Run("another process has just failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, r := newFakeIssuer("a"), newRemote()
			f.fail(errDown)
			wantCode(t, newReplica(t, r, f, keyring.Config{}).Source, "a", keyring.Unavailable)
			e := newEnds()
			ring := ringWith(e, newReplica(t, r, f, keyring.Config{}).store)
			defer ring.Close()
			s := ring.Source(issuerID, f, nil)
			ring.Keep(s)
			wantCode(t, s, "a", keyring.Unavailable)
			settle()
			if e.seen["cooling"] != 1 {
				t.Errorf("refreshes ended with %v, want one that is cooling", e.seen)
			}
		})
	})
	t.Run("too many new issuers have failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, e := newFakeIssuer(), newEnds()
			f.fail(&jwks.FetchError{Code: jwks.Unreachable})
			ring := ringWith(e, memory.New())
			defer ring.Close()
			for i := range 20 {
				wantCode(t, admit(ring, "https://"+strconv.Itoa(i)+".example.test", f), "a", keyring.Unavailable)
			}
			settle()
			if e.seen["unreachable"] != 10 || e.seen["crowded"] == 0 {
				t.Errorf("refreshes ended with %v, want 10 that reached for their issuer, and others that were crowded out", e.seen)
			}
		})
	})
}
