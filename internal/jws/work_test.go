package jws

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
)

// edKey signs in these tests; its public half is admitted under an id of that name.
func edKey(t *testing.T, id string) (ed25519.PrivateKey, *Key) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte(id)[:1], ed25519.SeedSize))
	key, err := NewKey(private.Public(), id, EdDSA, id)
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

func edToken(private ed25519.PrivateKey, payload string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(input)))
}

// What a check leaves behind holds no token, and no more memory than tokens need.
func TestWorkKeepsNothing(t *testing.T) {
	private, key := edKey(t, "a")
	for name, tt := range map[string]struct {
		payload string
		kept    bool
	}{
		"a token": {`{"sub":"user-1"}`, true}, "a long document": {strings.Repeat("x", 2*defaultTokenBytes), false},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(edToken(private, tt.payload), Limits{TokenBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			var w work
			if !w.verify(m, key) {
				t.Fatal("the signature does not hold")
			}
			w.end()
			if kept := cap(w.signed) > 0; kept != tt.kept {
				t.Errorf("memory for %d bytes is kept", cap(w.signed))
			}
			if all := w.signed[:cap(w.signed)]; bytes.ContainsFunc(all, func(r rune) bool { return r != 0 }) {
				t.Errorf("kept %q", all)
			}
			if w.digest != [len(w.digest)]byte{} || w.der != [len(w.der)]byte{} {
				t.Error("a digest or a signature is kept")
			}
		})
	}
}

// Checks at the same time do not get into each other's memory.
func TestChecksAtOnceAreApart(t *testing.T) {
	privateA, keyA := edKey(t, "a")
	privateB, keyB := edKey(t, "b")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			private, right, wrong := privateA, keyA, keyB
			if i%2 == 1 {
				private, right, wrong = privateB, keyB, keyA
			}
			m, err := Parse(edToken(private, strings.Repeat("x", 100*i+1)), Limits{})
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				if m.Verify(right) != nil || m.Verify(wrong) == nil {
					t.Error("a check saw another token")
					return
				}
			}
		})
	}
	wg.Wait()
}
