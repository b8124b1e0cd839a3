package jws_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
)

// recalled parses a token and tells whether its header was a remembered one: a remembered
// header is not read, so that a limit of one byte does not matter to it.
func recalled(tb testing.TB, h *jws.Headers, token string) bool {
	tb.Helper()
	var m jws.Message
	err := h.Parse(&m, token, jws.Limits{HeaderBytes: 1})
	switch jwsCode(err) {
	case 0:
		return true
	case jws.TooLarge:
		return false
	}
	tb.Fatalf("parse: %v", err)
	return false
}

func jwsCode(err error) jws.Code {
	if e, ok := err.(*jws.Error); ok { //nolint:errorlint // Parse returns nothing else
		return e.Code
	}
	return 0
}

func headerOf(kid string) string {
	raw, _ := json.Marshal(map[string]string{"alg": "EdDSA", "kid": kid, "typ": "JWT"})
	return string(raw)
}

func remember(tb testing.TB, h *jws.Headers, token string) {
	tb.Helper()
	var m jws.Message
	if err := h.Parse(&m, token, jws.Limits{}); err != nil {
		tb.Fatal(err)
	}
	h.Remember(&m)
}

func TestRememberedHeadersAreThoseThatWereRead(t *testing.T) {
	var h jws.Headers
	one, two := signRaw(headerOf("kid"), `{"sub":"one"}`), signRaw(headerOf("kid"), `{"sub":"two"}`)
	if recalled(t, &h, one) {
		t.Fatal("an empty memory knows a header")
	}
	remember(t, &h, one)
	if !recalled(t, &h, two) {
		t.Error("the header of the first token is not known for the second")
	}
	if recalled(t, &h, signRaw(headerOf("other"), `{}`)) {
		t.Error("a header nobody has seen is known")
	}
	var fresh, known jws.Message
	if err := h.Parse(&known, two, jws.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := new(jws.Headers).Parse(&fresh, two, jws.Limits{}); err != nil {
		t.Fatal(err)
	}
	if known.Algorithm() != jws.EdDSA || known.KeyID() != "kid" || known.Type() != "JWT" || string(known.Payload()) != `{"sub":"two"}` {
		t.Errorf("a remembered header says %q, %q, %q of %q", known.Algorithm(), known.KeyID(), known.Type(), known.Payload())
	}
	for _, m := range []*jws.Message{&known, &fresh} {
		if err := m.Verify(public(t, jws.EdDSA)); err != nil {
			t.Errorf("the signature does not hold: %v", err)
		}
	}
}

// A remembered header does not stand in for what comes after it.
func TestARememberedHeaderVouchesForNothingElse(t *testing.T) {
	var h jws.Headers
	good := signRaw(headerOf("kid"), `{"sub":"one"}`)
	remember(t, &h, good)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"payload": parts[0] + ".!." + parts[2], "signature": parts[0] + "." + parts[1] + ".!",
		"five segments": good + ".a.b", "no signature": parts[0] + "." + parts[1],
	} {
		var m jws.Message
		if err := h.Parse(&m, token, jws.Limits{}); jwsCode(err) == 0 {
			t.Errorf("%s: accepted with %v", name, err)
		}
	}
	var m jws.Message
	if err := h.Parse(&m, parts[0]+"."+parts[1]+"A."+parts[2], jws.Limits{}); err == nil && m.Verify(public(t, jws.EdDSA)) == nil {
		t.Error("another payload has the signature of the first")
	}
}

// What carries its own key is a proof, and each has another key.
func TestHeadersWithAKeyAreNotRemembered(t *testing.T) {
	proof := signRaw(`{"alg":"EdDSA","typ":"dpop+jwt","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}`, `{}`)
	m, err := jws.Parse(proof, jws.Limits{Proof: true})
	if err != nil {
		t.Fatal(err)
	}
	var h jws.Headers
	h.Remember(m)
	if recalled(t, &h, proof) {
		t.Error("the header of a proof was remembered")
	}
}

// The memory is bounded; what is full starts anew once it is old, and not before.
func TestFullMemoryStartsAnewAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h jws.Headers
		token := func(i int) string { return signRaw(headerOf(fmt.Sprint("kid-", i)), `{}`) }
		const room = 64
		for i := range room {
			remember(t, &h, token(i))
		}
		for i := range room {
			if !recalled(t, &h, token(i)) {
				t.Fatalf("header %d of %d is not remembered", i, room)
			}
		}
		time.Sleep(9 * time.Minute)
		remember(t, &h, token(room))
		if recalled(t, &h, token(room)) || !recalled(t, &h, token(0)) {
			t.Error("more than 64 headers are remembered, or one was driven out")
		}
		time.Sleep(time.Minute)
		remember(t, &h, token(0)) // known: nothing to do, whatever its age
		if !recalled(t, &h, token(1)) {
			t.Error("a header that is known makes others go")
		}
		remember(t, &h, token(room))
		if !recalled(t, &h, token(room)) || recalled(t, &h, token(0)) {
			t.Error("after ten minutes a full memory does not start anew")
		}
		remember(t, &h, token(0)) // and there is room again
		if !recalled(t, &h, token(0)) || !recalled(t, &h, token(room)) {
			t.Error("the memory that started anew takes no second header")
		}
	})
}
