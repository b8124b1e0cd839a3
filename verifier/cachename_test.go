package verifier_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
)

// Another token is another entry, wherever it differs: nothing is cut off before it is hashed.
func TestCachedTokenIsTheWholeToken(t *testing.T) {
	v := newVerifier(t, goodPolicy(), verifier.WithTokenCache(100))
	good := sign(t, goodHeader(), with(goodClaims(), object{"note": strings.Repeat("x", 3000)})) // more than one block of the hash
	for range 2 {
		wantReason(t, v, good, "")
	}
	for i := range good {
		c := byte('A')
		if good[i] == c {
			c = 'B'
		}
		if token, err := v.Verify(t.Context(), good[:i]+string(c)+good[i+1:]); token != nil || err == nil {
			t.Fatalf("a token that differs at byte %d of %d was accepted", i, len(good))
		}
	}
	for _, cut := range []int{20, len(good) / 2, len(good) - 1} {
		if token, err := v.Verify(t.Context(), good[:cut]); token != nil || err == nil {
			t.Errorf("the first %d bytes of a token were accepted", cut)
		}
	}
}

// What introspection says of an opaque token holds for one request (RFC 7662 §4).
func TestOpaqueTokensAreNotCached(t *testing.T) {
	active := true
	v := opaqueVerifier(t, goodPolicy(), func(context.Context, string) ([]byte, error) {
		return json.Marshal(with(goodClaims(), object{"active": active}))
	}, verifier.WithTokenCache(100))
	for range 3 {
		wantReason(t, v, "opaque", "")
	}
	active = false
	wantReason(t, v, "opaque", verifier.ReasonInactive)
}
