package scenarios_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// scenario is one event and what came of it, in words; good tells whether that is what an API
// wants.
type scenario struct {
	name string
	run  func(s *scene) (result string, good bool)
}

func scenarios() []scenario {
	return []scenario{
		{"new key, first token one second after it is published", newKey(func(*scene) {})},
		{"the same, after a made-up kid asked just before it was published", newKey(func(s *scene) {
			s.issuer.SetDocument(s.before)
			_ = s.accepts(s.madeUp("made-up"))
			s.issuer.SetDocument(nil)
		})},
		{"100 tokens with made-up kids", madeUpKids},
		{"100 bad signatures under a known kid", badSignatures},
		{"200 requests at once before the first keys", coldStart},
		{"the issuer answers 500 for an hour, 60 good tokens", outage(func(s *scene) { s.issuer.Fail(http.StatusInternalServerError) })},
		{"the issuer answers 200 without keys for an hour, 60 good tokens", outage(func(s *scene) {
			s.issuer.FailWith(http.StatusOK, nil, []byte(`{"error":"temporarily_unavailable"}`))
		})},
		{"the issuer is down at start, up after 5 s: first good token accepted", lateIssuer},
		{"the first of 10 waiting requests is canceled: others that fail", firstLeaves},
		{"an unknown and a corrupt key among good ones", badEntries},
		{"a key is withdrawn, the other is known and in use: when tokens under it are refused", withdrawn},
		{"token without exp", oneToken(devissuer.Claims{"exp": devissuer.Omit}, "")},
		{"token for another audience", oneToken(devissuer.Claims{"aud": []string{"https://other.example.test"}}, "")},
		{"token with an unknown crit", oneToken(nil, `,"crit":["exp"],"exp":1`)},
		{"token bound to a certificate, sent as plain bearer", oneToken(devissuer.Claims{"cnf": map[string]string{"x5t#S256": "x"}}, "")},
		{"logout token", oneToken(devissuer.Claims{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, `,"typ":"logout+jwt"`)},
	}
}

func accepted(ok bool) string {
	if ok {
		return "accepted"
	}
	return "refused"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "es"
}

func newKey(before func(*scene)) func(*scene) (string, bool) {
	return func(s *scene) (string, bool) {
		_ = s.warm()
		time.Sleep(time.Minute)
		s.before = s.issuer.JWKS()
		s.rotate()
		before(s)
		time.Sleep(time.Second)
		n, began := s.fetches(), time.Now()
		for !s.accepts(s.token(nil)) {
			if time.Since(began) > time.Hour {
				return "not within an hour", false
			}
			time.Sleep(time.Second)
		}
		d := time.Since(began)
		return fmt.Sprintf("accepted after %.0f s, %s", d.Seconds(), plural(s.fetches()-n, "fetch")), d < 25*time.Second
	}
}

func madeUpKids(s *scene) (string, bool) {
	good := s.warm()
	time.Sleep(time.Minute)
	n, lost := s.fetches(), 0
	for i := range 100 {
		_ = s.accepts(s.madeUp("made-up-" + strconv.Itoa(i)))
		if !s.accepts(good) {
			lost++
		}
	}
	n = s.fetches() - n
	return fmt.Sprintf("%s, %d good tokens lost", plural(n, "fetch"), lost), n <= 4 && lost == 0
}

func badSignatures(s *scene) (string, bool) {
	good := s.warm()
	time.Sleep(time.Minute)
	n := s.fetches()
	bad := good[:len(good)-20] + strings.Repeat("A", 20)
	for range 100 {
		if s.accepts(bad) {
			return "accepted", false
		}
	}
	n = s.fetches() - n
	return plural(n, "fetch"), n == 0
}

func coldStart(s *scene) (string, bool) {
	good := s.token(nil)
	s.start()
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range 200 {
		wg.Go(func() {
			if !s.accepts(good) {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return fmt.Sprintf("%s, %d failed", plural(s.fetches(), "fetch"), failed), failed == 0 && s.fetches() == 1
}

func outage(begin func(*scene)) func(*scene) (string, bool) {
	return func(s *scene) (string, bool) {
		_ = s.warm()
		time.Sleep(time.Minute)
		begin(s)
		lost := 0
		for range 60 {
			time.Sleep(time.Minute)
			if !s.accepts(s.token(nil)) {
				lost++
			}
		}
		return fmt.Sprintf("%d lost", lost), lost == 0
	}
}

func lateIssuer(s *scene) (string, bool) {
	s.issuer.Fail(http.StatusServiceUnavailable)
	began := time.Now()
	up := time.AfterFunc(5*time.Second, func() { s.issuer.Fail(0) })
	defer up.Stop()
	s.start()
	for time.Since(began) < time.Hour {
		if s.accepts(s.token(nil)) {
			return fmt.Sprintf("after %.0f s", time.Since(began).Seconds()), time.Since(began) < time.Minute
		}
		time.Sleep(time.Second)
	}
	return "not within an hour", false
}

func firstLeaves(s *scene) (string, bool) {
	good := s.token(nil)
	s.latency = time.Second
	s.start()
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() { _ = s.verify(ctx, good) })
	time.Sleep(100 * time.Millisecond)
	for range 9 {
		wg.Go(func() {
			if !s.accepts(good) {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	cancel()
	wg.Wait()
	return fmt.Sprintf("%d of 9", failed), failed == 0
}

func badEntries(s *scene) (string, bool) {
	var good struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(s.issuer.JWKS(), &good); err != nil {
		s.Fatal(err)
	}
	good.Keys = append(
		good.Keys,
		json.RawMessage(`{"kty":"AKP","kid":"new","alg":"ML-DSA-44","pub":"AAAA"}`),
		json.RawMessage(`{"kty":"EC","kid":"off","crv":"P-256","x":"AAAA","y":"AAAA"}`),
	)
	doc, err := json.Marshal(good)
	if err != nil {
		s.Fatal(err)
	}
	s.issuer.SetDocument(doc)
	s.start()
	ok := s.accepts(s.token(nil))
	return "good tokens " + accepted(ok), ok
}

func withdrawn(s *scene) (string, bool) {
	if _, err := s.issuer.Stage(); err != nil { // both keys are known from the start
		s.Fatal(err)
	}
	old := s.warm()
	kid := s.issuer.Key().ID()
	s.rotate()
	if err := s.issuer.Withdraw(kid); err != nil {
		s.Fatal(err)
	}
	began := time.Now()
	for time.Since(began) < 12*time.Hour {
		_ = s.accepts(s.token(nil)) // the API is in use
		if !s.accepts(old) {
			return fmt.Sprintf("after %.0f min", time.Since(began).Minutes()), time.Since(began) < 6*time.Minute
		}
		time.Sleep(10 * time.Second)
	}
	return "not within 12 h", false
}

// oneToken is a token that an API should refuse.
func oneToken(c devissuer.Claims, header string) func(*scene) (string, bool) {
	return func(s *scene) (string, bool) {
		_ = s.warm()
		payload, err := s.issuer.Payload(c)
		if err != nil {
			s.Fatal(err)
		}
		key := s.issuer.Key()
		token, err := s.issuer.Sign([]byte(`{"alg":"RS256","kid":"`+key.ID()+`"`+header+`}`), payload)
		if err != nil {
			s.Fatal(err)
		}
		ok := s.accepts(token)
		return accepted(ok), !ok
	}
}
