package verifier_test

import (
	"strings"
	"testing"
)

// Nothing but the one good token is ever accepted, and nothing panics. Signatures of EdDSA are
// unique, so that another token with the same meaning cannot exist.
func FuzzVerify(f *testing.F) {
	good := sign(f, goodHeader(), goodClaims())
	v := newVerifier(f, goodPolicy())
	if _, err := v.Verify(f.Context(), good); err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(good, ".")
	f.Add(good)
	f.Add(good + "=")
	f.Add(parts[0] + "." + encode(f, with(goodClaims(), object{"sub": "admin"})) + "." + parts[2])
	f.Add(encode(f, with(goodHeader(), object{"alg": "none"})) + "." + parts[1] + ".")
	f.Add(strings.ToUpper(good))
	f.Add("undefined")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := v.Verify(t.Context(), token)
		if (got == nil) != (err != nil) {
			t.Fatalf("token %v with error %v", got, err)
		}
		if err == nil && token != good {
			t.Fatalf("%q was accepted", token)
		}
		if err != nil {
			_ = reasonOf(t, err) // is of our own type
		}
	})
}
